"""A stand-in on its own: the command line, and the fixture that other projects use."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redshift_connector
from processes.proctree import end
from processes.signals import moments
from projects.pages import Block
from redshift_stand_in import cli
from redshift_stand_in.local import StandIn
from redshift_stand_in.postgres.cluster import PORT

PROGRAM = Path(sys.executable).with_name("redshift-stand-in")


@contextmanager
def open_to_all() -> Iterator[Path]:
    """A folder that PostgreSQL's account can enter: each pytest that begins closes its own."""
    with tempfile.TemporaryDirectory(prefix="rs-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def started(command: list[str | Path]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running program, and its first line; what it leaves behind when a test kills it goes."""
    with open_to_all() as temporary:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=os.environ | {"TMPDIR": str(temporary)},
        )
        assert process.stdout is not None
        with process.stdout:
            try:
                yield process, process.stdout.readline()
            finally:
                process.terminate()
                process.wait(20)


@contextmanager
def up(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running `up`, and the address that it printed."""
    with started([PROGRAM, "up", "--port", "0", *options]) as (process, first):
        yield process, address(first, process)


def address(first: str, process: subprocess.Popen[str]) -> str:
    """The address in a program's first line."""
    found = re.match(r"ready: (\S+) +password (\S+)$", first)
    if not found:
        process.terminate()
        assert process.stdout is not None
        pytest.fail(first + process.stdout.read())
    return found[1].replace("@", f":{found[2]}@")


def shell(text: str) -> list[str | Path]:
    """Runs a page's block with our programs on PATH."""
    path = f"{PROGRAM.parent}:{os.environ['PATH']}"
    return ["env", f"PATH={path}", "bash", "-euo", "pipefail", "-c", text]


def ask(url: str, sql: str) -> object:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall()[0][0] if cursor.description else None
    finally:
        connection.close()


def postgres_of(folder: Path) -> int:
    return int((folder / "data/postmaster.pid").read_text().split()[0])


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with open_to_all() as folder:
        yield folder


def test_up_serves_redshift_and_keeps_its_folder(open_folder: Path) -> None:
    folder = open_folder / "data"
    options = ["--folder", str(folder), "--user", f"Ann O'Hara{' of Dublin' * 8}"]
    options += ["--database", "d" * 100, "--password", "p'w"]
    with up(*options) as (process, url):
        assert "Redshift" in str(ask(url, "select version()"))
        ask(url, "create table kept as select 7 as n")
        server = postgres_of(folder)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert end(server)
    with up(*options) as (process, url):
        assert ask(url, "select n from kept") == 7
        server = postgres_of(folder)
        process.kill()
        assert end(server), "PostgreSQL has outlived a front that was killed"


@pytest.fixture
def signals_of_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals_of_before")
def test_a_signal_at_any_moment_ends_the_waiting() -> None:
    for moment in moments():
        wait = cli._until_signal()
        with moment:
            assert wait() == signal.SIGTERM


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_module_and_console_script_are_one(word: str) -> None:
    said = [
        subprocess.run([*command, word], capture_output=True, text=True, check=True).stdout
        for command in ([PROGRAM], [sys.executable, "-m", "redshift_stand_in"])
    ]
    assert said[0] == said[1] != ""


def test_a_taken_port_is_said(redshift_stand_in: StandIn) -> None:
    done = subprocess.run(
        [PROGRAM, "up", "--port", str(redshift_stand_in.port)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "in use" in done.stderr


def test_the_fixture_is_a_redshift(redshift_stand_in: StandIn) -> None:
    where = redshift_stand_in
    connection = redshift_connector.connect(
        host=where.host,
        port=where.port,
        database=where.database,
        user=where.user,
        password=where.password,
        ssl=False,
    )
    cursor = connection.cursor()
    cursor.execute("select nvl(null, getdate()) > '2020-01-01'")
    assert list(cursor.fetchall()[0]) == [True]
    connection.close()


def test_its_page_works_as_printed(printed: list[Block], world: Any, tmp_path: Path) -> None:
    alone, fixture, front = printed
    with started(shell(f"exec {alone.text}")) as (process, first):
        assert "Redshift" in str(ask(address(first, process), "select version()"))
    (tmp_path / "test_readme.py").write_text(fixture.text)
    pytest_itself = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    subprocess.run([*pytest_itself, tmp_path / "test_readme.py"], cwd=tmp_path, check=True)
    words = {"DIR": world.folder / "pg", "N": PORT, "NAME": "dev", "SOCKET": tmp_path / "s"}
    text = re.sub(r"\b[A-Z]+\b", lambda word: str(words[word[0]]), front.text)
    with started(shell(text)) as (process, first):
        assert first == "ready\n"
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(20) == 0
