"""MySQL itself as the source: every command works as with MariaDB."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from tidemark_sandbox.settings.accounts import MYSQL_READER, MYSQL_READER_PASSWORD
from tidemark_sandbox.world import Sandbox

pytestmark = pytest.mark.mysql
PROGRAM = str(Path(sys.executable).with_name("tidemark-sandbox"))


def command(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        [PROGRAM, *arguments, f"--dir={folder}"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A sandbox that was started with MySQL, in a folder that every account can enter."""
    parent = Path(tempfile.mkdtemp(prefix="tidemark-test-"))
    parent.chmod(0o755)
    folder = parent / "sandbox"
    command(folder, "up", "--server", "mysql", f"--port={Sandbox.free_port_block()}")
    yield folder
    command(folder, "reset")
    assert not folder.exists()
    shutil.rmtree(parent)


def test_status_shows_its_version(folder: Path) -> None:
    (source, *_) = json.loads(command(folder, "status", "--format", "json"))
    assert source["part"] == "mysql"
    assert source["healthy"]
    assert source["version"].split(".")[0] in ("8", "9")


def test_a_killed_server_comes_back_although_its_lock_names_a_process(folder: Path) -> None:
    """MySQL takes the lock for another server's until the kernel has forgotten the killed one."""
    asked = command(folder, "sql", "mysql", "--user", "root", "-e", "SELECT @@socket")
    (server, *_) = json.loads(command(folder, "status", "--format", "json"))
    os.kill(server["pid"], signal.SIGKILL)
    Path(f"{asked.split()[-1]}.lock").write_text(f"{os.getpid()}\n")
    command(folder, "up", "--server", "mysql")
    (server, *_) = json.loads(command(folder, "status", "--format", "json"))
    assert server["healthy"]


def test_it_is_seeded_and_changed_like_the_other(folder: Path) -> None:
    rows = json.loads(command(folder, "seed", "--rows", "1000", "--format", "json"))
    assert rows["settlement_normal_delivery_detail"] == 1000
    changes = json.loads(command(folder, "change", "--rows", "50", "--format", "json"))
    assert changes["settlement_normal_delivery_detail"]["late"] == 1
    statement = "SELECT COUNT(*) > 1000 FROM settlement_normal_delivery_detail"
    for user in ("root", "reader"):
        assert command(folder, "sql", "mysql", "--user", user, "-e", statement).split()[-1] == "1"


def test_down_and_up_again_find_the_data_and_the_server_that_it_was(folder: Path) -> None:
    world = Sandbox(folder)
    world.mysql("CREATE TABLE kept (a INT PRIMARY KEY)")
    command(folder, "down")
    command(folder, "up")
    assert world.mysql("SHOW TABLES LIKE 'kept'") == [("kept",)]
    assert world.mysql("SELECT VERSION() LIKE '%MariaDB%'") == [(0,)]


def test_another_server_in_the_same_folder_leaves_the_data_of_the_first(folder: Path) -> None:
    Sandbox(folder).mysql("CREATE TABLE mysqls_own (a INT PRIMARY KEY)")
    command(folder, "up", "--server", "mariadb")
    assert Sandbox(folder).mysql("SELECT VERSION() LIKE '%MariaDB%'") == [(1,)]
    assert Sandbox(folder).mysql("SHOW TABLES LIKE 'mysqls_own'") == []
    command(folder, "up", "--server", "mysql")
    assert Sandbox(folder).mysql("SHOW TABLES LIKE 'mysqls_own'") == [("mysqls_own",)]


def test_the_reader_logs_in_by_mysqls_usual_method(
    folder: Path,
) -> None:
    world = Sandbox(folder)
    found = world.mysql("SELECT plugin FROM mysql.user WHERE user = %s", [MYSQL_READER])
    assert found == [("caching_sha2_password",)]
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        pymysql.connect(
            unix_socket=str(world.config.mysql_socket), user=MYSQL_READER, password="wrong"
        )
    pymysql.connect(
        unix_socket=str(world.config.mysql_socket),
        user=MYSQL_READER,
        password=MYSQL_READER_PASSWORD,
    ).close()
