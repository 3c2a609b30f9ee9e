"""What Meltano and dbt are forked from: each command is one of its own, and ends with it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes.proctree import descendants, end
from tidemark.services.follow.ready.process import Process
from tidemark.services.follow.ready.runner import Ready
from tidemark_core.forking.client import FORK_SERVER

BIN = Path(sys.executable).parent
MELTANO, DBT = str(BIN / "meltano"), str(BIN / "tidemark-dbt")


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    made = Ready()
    yield made
    made.end()


def pid_of(process: Process) -> int:
    """The one that forks."""
    assert process.process is not None
    return process.process.pid


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[tuple[dict[str, str], socket.socket]]:
    """The variables of a dbt that waits for a warehouse, and where it comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        own = {
            "REDSHIFT_HOST": "127.0.0.1",
            "REDSHIFT_PORT": str(listener.getsockname()[1]),
            "REDSHIFT_DATABASE": "x",
            "REDSHIFT_USER": "x",
            "REDSHIFT_PASSWORD": "x",
            "MELTANO_PROJECT_ROOT": str(tmp_path),
        }
        yield {"PATH": os.environ["PATH"], **own}, listener


def test_commands_run_in_forks_of_one_process_each_with_its_own_variables(
    ready: Ready, tmp_path: Path
) -> None:
    said: list[str] = []
    environ = {**os.environ, "TIDEMARK_RUN_ID": "one"}
    assert ready.run([DBT, "--version"], tmp_path, environ, said.append) == 0
    assert ready.run([MELTANO, "--version"], tmp_path, environ, said.append) == 0
    assert "meltano, version" in "".join(said)
    first = pid_of(ready.meltano), pid_of(ready.dbt)
    assert ready.run([MELTANO, "no-such-word"], tmp_path, environ, said.append) == 2
    assert "No such command" in "".join(said)
    bare = {"PATH": os.environ["PATH"], "MELTANO_PROJECT_ROOT": str(tmp_path)}
    assert ready.run([DBT, "build"], tmp_path, bare, said.append) == 2
    assert "REDSHIFT_HOST" in "".join(said), "nothing of the variables before"
    assert (pid_of(ready.meltano), pid_of(ready.dbt)) == first
    assert not [child for parent in first for child in descendants(parent)]


def test_a_command_is_forked_from_what_was_begun_before_it(tmp_path: Path) -> None:
    ready = Ready()
    try:
        ready.begin(tmp_path, os.environ)
        begun = pid_of(ready.meltano), pid_of(ready.plugins)
        assert ready.run([MELTANO, "--version"], tmp_path, os.environ, lambda _: None) == 0
        assert (pid_of(ready.meltano), pid_of(ready.plugins)) == begun
    finally:
        ready.end()


def test_dbt_is_imported_during_the_first_command_once_the_others_are(tmp_path: Path) -> None:
    ready = Ready()

    def wait_for_plugins(_line: str) -> None:
        deadline = time.monotonic() + 60
        while not ready.plugins.has_imported and time.monotonic() < deadline:
            time.sleep(0.02)

    try:
        ready.begin(tmp_path, os.environ)
        assert ready.dbt.process is None
        ready.run([MELTANO, "--version"], tmp_path, os.environ, wait_for_plugins)
        assert pid_of(ready.dbt)
    finally:
        ready.end()


@pytest.mark.fault(139)
@pytest.mark.security(22)
def test_a_run_checks_what_a_run_of_its_own_does(
    ready: Ready, tmp_path: Path, project_root: Path
) -> None:
    """And removes the plugins' configurations, with their passwords, of a run that was killed."""
    command = [MELTANO, "--environment", "prod", "run", "load"]
    environ = {
        **{name: value for name, value in os.environ.items() if name != FORK_SERVER},
        **{"MELTANO_PROJECT_ROOT": str(project_root), "MELTANO_SYS_DIR_ROOT": str(tmp_path)},
        **{"LOAD_METHOD": "nonsense", "MELTANO_CLI_DISABLE_VERSION_CHECK": "1"},
    }
    said: list[str] = []
    stale = tmp_path / "run/target-redshift/target.0.config.json"
    for turn in range(2):
        stale.parent.mkdir(parents=True, exist_ok=True)
        stale.write_text("{}")
        os.utime(stale, (0, 0))
        said.clear()
        if turn:
            code = ready.run(command, project_root, environ, said.append)
        else:
            by_itself = subprocess.run(
                command, cwd=project_root, env=environ, capture_output=True, text=True, check=False
            )
            code, said = by_itself.returncode, [by_itself.stdout + by_itself.stderr]
        assert code == 2, turn
        assert "LOAD_METHOD" in "".join(said), turn
        assert not stale.exists(), turn


@pytest.mark.fault(208)
def test_a_command_ends_with_what_it_was_forked_from_and_the_next_one_has_another(
    ready: Ready, tmp_path: Path, asking: tuple[dict[str, str], socket.socket]
) -> None:
    environ, listener = asking
    forks: list[int] = []
    killed = threading.Event()

    def kill() -> None:
        with listener.accept()[0]:
            forks.extend(descendants(pid_of(ready.dbt)))
            os.kill(pid_of(ready.dbt), signal.SIGKILL)
            killed.wait()

    killer = threading.Thread(target=kill)
    killer.start()
    said: list[str] = []
    code = ready.run([DBT, "show", "--inline", "x"], tmp_path, environ, said.append)
    killed.set()
    killer.join()
    assert code == -signal.SIGKILL
    assert forks
    assert end(*forks)
    assert ready.run([MELTANO, "--version"], tmp_path, os.environ, said.append) == 0


def test_a_word_to_end_is_handed_on(
    ready: Ready, tmp_path: Path, asking: tuple[dict[str, str], socket.socket]
) -> None:
    environ, listener = asking
    heard: list[int] = []
    stopped = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))

    def stop() -> None:
        with listener.accept()[0]:
            os.kill(os.getpid(), signal.SIGTERM)
            stopped.wait()

    stopper = threading.Thread(target=stop)
    stopper.start()
    code = ready.run([DBT, "show", "--inline", "x"], tmp_path, environ, lambda _: None)
    stopped.set()
    stopper.join()
    assert signal.signal(signal.SIGTERM, before) is not before
    assert (code, heard) == (-signal.SIGTERM, [signal.SIGTERM])


@pytest.mark.parametrize(
    "name", ["tap-mysql", "target-s3-parquet", "tap-s3-parquet", "target-redshift"]
)
def test_a_plugin_is_forked_from_what_has_imported_it_and_says_the_same(
    ready: Ready, tmp_path: Path, name: str
) -> None:
    ready.run([MELTANO, "--version"], tmp_path, os.environ, lambda _: None)
    (tmp_path / "singer_sdk.py").write_text("raise ImportError('it is to be there already')")
    command = [str(BIN / name), "--about", "--format=json"]
    by_itself = subprocess.run(command, capture_output=True, text=True, check=True)
    own = {"PYTHONPATH": str(tmp_path), FORK_SERVER: ready.plugins.path}
    forked = subprocess.run(
        command, env={**os.environ, **own}, capture_output=True, text=True, check=True
    )
    assert json.loads(forked.stdout) == json.loads(by_itself.stdout)
