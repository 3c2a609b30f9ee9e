"""The sandbox as a whole: started, ended, killed, moved, and where it listens."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from projects.machines import become
from tidemark_core.host.local_ports import can_bind
from tidemark_sandbox import data_folder
from tidemark_sandbox.access.clients import Database, target
from tidemark_sandbox.access.tunnel import open_tunnel
from tidemark_sandbox.errors import MissingPackagesError, PortTakenError, SandboxError
from tidemark_sandbox.host.ports import HOST
from tidemark_sandbox.host.processes import ended, writers
from tidemark_sandbox.settings.accounts import BUCKET
from tidemark_sandbox.world import PartName, Sandbox

PARTS = [name for name in get_args(PartName) if name != "mysql"]
#: As it is installed beside the interpreter that runs the tests, on PATH or not.
PROGRAM = str(Path(sys.executable).with_name("tidemark-sandbox"))


def all_well(world: Sandbox) -> bool:
    return all(part.healthy for part in world.status())


def pids(world: Sandbox) -> dict[str, int | None]:
    return {part.part: part.pid for part in world.status()}


def everything_of(world: Sandbox) -> set[int]:
    """Every process that writes to a log of this sandbox."""
    return set().union(*(writers(part.daemon.log) for part in world.parts.values()))


@pytest.fixture
def spare() -> Iterator[Sandbox]:
    """A second sandbox that does not run yet, in a folder that every account can enter."""
    parent = Path(tempfile.mkdtemp(prefix="tidemark-test-"))
    parent.chmod(0o755)
    spare = Sandbox(parent / "sandbox", Sandbox.free_port_block())
    yield spare
    spare.reset()
    shutil.rmtree(parent)


def test_up_again_leaves_what_runs_alone(world: Sandbox) -> None:
    before = pids(world)
    world.up()
    assert pids(world) == before
    assert None not in before.values()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_was_killed_comes_back_and_loses_nothing(
    world: Sandbox, part: PartName
) -> None:
    world.mysql("CREATE OR REPLACE TABLE kept (a INT PRIMARY KEY)")
    world.mysql("INSERT INTO kept VALUES (7)")
    world.warehouse("DROP TABLE IF EXISTS public.kept")
    world.warehouse("CREATE TABLE public.kept (a INT)")
    world.warehouse("INSERT INTO public.kept VALUES (8)")
    world.s3.client.put_object(Bucket=BUCKET, Key="kept", Body=b"9")
    before = pids(world)
    world.kill(part)
    broken = {each.part: each for each in world.status()}[part]
    assert (broken.healthy, broken.pid) == (False, None)
    world.up()
    assert all_well(world)
    after = pids(world)
    assert after[part] != before[part]
    assert world.mysql("SELECT a FROM kept") == [(7,)]
    assert world.warehouse("SELECT a FROM public.kept") == [(8,)]
    assert world.s3.client.get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"9"


def seaweedfs_sockets(world: Sandbox) -> list[Path]:
    """What listens in /tmp on behalf of this sandbox; others' may have died and left theirs."""
    ports = set(map(str, world.config.ports.all))
    found = []
    for path in Path("/tmp").glob("seaweedfs-*.sock"):
        if path.stem.rpartition("-")[2] in ports:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(path))
                found.append(path)
    return found


def test_down_ends_everything_and_up_finds_the_data_again(world: Sandbox) -> None:
    world.mysql("CREATE OR REPLACE TABLE kept (a INT PRIMARY KEY)")
    with open_tunnel(world.config, target(world.config, Database.MYSQL)) as tunnel:
        with socket.create_connection((HOST, tunnel.port)):
            assert everything_of(world)
            sockets = seaweedfs_sockets(world)
            assert sockets
            world.down()
            assert everything_of(world) == set()
        tunnel.wait()  # its ssh has been shown the door
    assert all(can_bind(port) for port in world.config.ports.all)
    assert not any(path.exists() for path in sockets)
    assert {part.problem for part in world.status()} == {"not running"}
    world.down()
    world.up()
    assert world.mysql("SHOW TABLES LIKE 'kept'") == [("kept",)]


def test_down_after_the_notes_were_lost_still_ends_everything(world: Sandbox) -> None:
    for part in world.parts.values():
        part.daemon.note.unlink()
    world.down()
    assert everything_of(world) == set()
    world.up()


def test_a_hung_server_is_replaced(world: Sandbox) -> None:
    before = pids(world)["bastion"]
    assert before
    os.kill(before, signal.SIGSTOP)
    world.up()
    assert pids(world)["bastion"] != before
    assert all_well(world)


def shared_memory(pid: int) -> set[Path]:
    """What a PostgreSQL server shares with its children by name."""
    words = Path(f"/proc/{pid}/maps").read_text().split()
    return {Path(word) for word in words if word.startswith("/dev/shm/")}


def test_a_reset_leaves_nothing_behind(spare: Sandbox) -> None:
    spare.up()
    everything, server = everything_of(spare), pids(spare)["postgres"]
    assert server is not None
    shared, sockets = shared_memory(server), seaweedfs_sockets(spare)
    assert shared
    assert sockets
    spare.reset()
    assert all(ended(pid) for pid in everything)
    assert [path for path in (*shared, *sockets, spare.config.dir) if path.exists()] == []


def test_two_run_side_by_side_and_one_ends_without_the_other(
    world: Sandbox, spare: Sandbox
) -> None:
    spare.up()
    spare.mysql("CREATE TABLE only_here (a INT)")
    assert all_well(world)
    assert all_well(spare)
    assert world.mysql("SHOW TABLES LIKE 'only_here'") == []
    spare.reset()
    assert everything_of(spare) == set()
    assert not spare.config.dir.exists()
    assert all_well(world)


def test_half_made_data_folders_are_made_anew(spare: Sandbox) -> None:
    """What a kill in the middle of the very first start may leave."""
    config = spare.config
    config.dir.mkdir()
    config.marker.with_suffix(".tmp").write_text("{")
    take(spare)
    config.marker.write_text(json.dumps({"port": config.base}))
    for half in (config.dir / "mariadb" / "data.new", config.postgres / "data.new"):
        half.mkdir(parents=True)
        (half / "torn").touch()
    (config.dir / "bastion").mkdir()
    (config.dir / "bastion" / "host_key.new").write_text("torn")
    config.mysql_socket.touch()
    (config.run / "mariadb.pid").write_text(f"another-boot\n{os.getpid()} (x) S 1")
    spare.up()
    assert all_well(spare)


class CutOff(BaseException):
    """Ends a start as SIGKILL does: nothing of ours catches it."""


def take(world: Sandbox) -> None:
    """What a start does first."""
    data_folder.claim(world.config)
    data_folder.make(world.config)


@pytest.mark.parametrize("function", ["mkdir", "chmod", "replace"])
def test_a_folder_cut_off_at_any_step_is_taken_up_again(
    spare: Sandbox, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call that changes the disk is the last one once."""
    real = getattr(os, function)
    left = 0

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise CutOff
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, function, counted)
        for calls in range(10):
            left = calls
            try:
                take(spare)
            except CutOff:
                left = 10
                take(spare)
                shutil.rmtree(spare.config.dir)
            else:
                break
    assert (left, calls > 0) == (0, True)


def test_a_foreign_folder_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    foreign = Sandbox(tmp_path, Sandbox.free_port_block())
    for act in (foreign.up, foreign.reset):
        with pytest.raises(SandboxError, match="is not a sandbox"):
            act()
    foreign.down()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_taken_port_is_named_with_its_owner(spare: Sandbox) -> None:
    with (
        socket.create_server((HOST, spare.config.ports.s3)),
        pytest.raises(PortTakenError, match=rf"{spare.config.ports.s3}.*pid {os.getpid()}") as told,
    ):
        spare.up()
    assert "--port" in str(told.value)
    assert told.value.exit_code == 2


def test_missing_packages_are_named_with_what_they_are_for(
    spare: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tidemark_sandbox.debian.packages.find", lambda name: None if name == "sshd" else name
    )
    with pytest.raises(MissingPackagesError, match=r"openssh-server +the bastion") as told:
        spare.up()
    assert "make setup" in str(told.value)
    assert told.value.exit_code == 2
    assert not spare.config.dir.exists()


def test_mysql_and_the_warehouse_listen_on_no_port(world: Sandbox) -> None:
    listening = set()
    for part in ("mariadb", "postgres", "warehouse"):
        pid = pids(world)[part]
        inodes = set()
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                inodes.add(str(descriptor.readlink()))
        for table in ("tcp", "tcp6", "udp", "udp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                if f"socket:[{line.split()[9]}]" in inodes and line.split()[3] == "0A":
                    listening.add((part, line.split()[1]))
    assert listening == set()
    for folder in (world.config.inner, world.config.dir / "mariadb"):
        assert folder.stat().st_mode & 0o077 == 0


def test_every_port_is_on_the_loopback_address_only(world: Sandbox) -> None:
    found = subprocess.run(
        ["ss", "-Hltn"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    ours = {f":{port}" for port in world.config.ports.all}
    addresses = [line.split()[3] for line in found]
    mine = [each for each in addresses if each[each.rindex(":") :] in ours]
    assert len(mine) == len(world.config.ports.all) - 2  # the two forwards are not open
    assert all(each.startswith("127.0.0.1:") for each in mine)


def test_up_runs_the_warehouse_scripts_in_order_and_shows_what_fails(
    world: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "20_rows.sql").write_text("INSERT INTO public.scripted VALUES ('a;b'); -- end\n")
    (tmp_path / "10_table.sql").write_text(
        "DROP TABLE IF EXISTS public.scripted;\nCREATE TABLE public.scripted (a VARCHAR(9));\n"
    )
    monkeypatch.setenv("SANDBOX_WAREHOUSE_SQL", str(tmp_path))
    again = Sandbox(world.config.dir, world.config.base)
    again.up()
    again.up()
    assert world.warehouse("SELECT a FROM public.scripted") == [("a;b",)]
    (tmp_path / "30_wrong.sql").write_text("SELECT 1;\n\nSELECT * FROM nowhere.at_all;\n")
    with pytest.raises(SandboxError, match=r"30_wrong\.sql[^\n]*nowhere") as told:
        again.up()
    assert "SELECT * FROM nowhere.at_all" in str(told.value)


def test_another_port_moves_a_running_sandbox(spare: Sandbox) -> None:
    spare.up()
    old = spare.config.ports
    moved = Sandbox(spare.config.dir, Sandbox.free_port_block())
    assert moved.config.base != old.base
    moved.up()
    assert all_well(moved)
    assert all(can_bind(port) for port in old.all)
    assert Sandbox(spare.config.dir).config.base == moved.config.base


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_run_it(spare: Sandbox) -> None:
    folder = spare.config.dir.parent
    shutil.chown(folder, "nobody", "nogroup")
    # Python itself may lie in a folder of root's, so reading, and nothing more, stays allowed.
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    command = become("nobody", "nogroup", *reading)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "SANDBOX_WAREHOUSE_SQL": ""}
    options = [f"--dir={spare.config.dir}", f"--port={spare.config.base}"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, PROGRAM, *arguments, *options],
            env=env,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
        )

    taken = spare.config.ports.seaweedfs_sockets[1]
    taken.touch()
    up = run("up")
    assert up.returncode == 1
    assert f"{taken}, which s3 needs, belongs to another account" in up.stderr
    taken.unlink()
    try:
        up = run("up")
        assert up.returncode == 0, up.stderr
        answer = run("sql", "mysql", "-e", "SELECT CURRENT_USER()")
        assert "nobody@localhost" in answer.stdout, answer.stderr
        answer = run("sql", "redshift", "-e", "SELECT current_user")
        assert "awsuser" in answer.stdout, answer.stderr
    finally:
        assert run("reset").returncode == 0
    assert not spare.config.dir.exists()


def test_another_sandbox_begins_with_data_that_were_saved(
    world: Sandbox, spare: Sandbox, tmp_path: Path
) -> None:
    world.mysql("CREATE OR REPLACE TABLE saved (a INT PRIMARY KEY)")
    world.mysql("INSERT INTO saved VALUES (1)")
    world.warehouse("DROP TABLE IF EXISTS public.saved")
    world.warehouse("CREATE TABLE public.saved AS SELECT 2 AS a")
    world.s3.client.put_object(Bucket=BUCKET, Key="saved", Body=b"3")
    world.save(tmp_path / "saved")
    assert everything_of(world) == set()
    world.up()
    spare.load(tmp_path / "saved")
    with pytest.raises(SandboxError, match="holds data already"):
        spare.load(tmp_path / "saved")
    spare.up()
    world.mysql("DELETE FROM saved")
    for each, rows in ((world, []), (spare, [(1,)])):
        assert each.mysql("SELECT a FROM saved") == rows
        assert each.warehouse("SELECT a FROM public.saved") == [(2,)]
        assert each.s3.client.get_object(Bucket=BUCKET, Key="saved")["Body"].read() == b"3"


def test_the_launcher_may_die(spare: Sandbox) -> None:
    """A start that is cut off at any moment is mended by the next."""
    for delay in (0.2, 0.6, 1.0):
        with subprocess.Popen(
            [PROGRAM, "up", f"--dir={spare.config.dir}", f"--port={spare.config.base}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as launcher:
            time.sleep(delay)
            launcher.kill()
    spare.up()
    assert all_well(spare)
