"""Logs of runs, and what killed runs leave behind."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tidemark.job.leftovers import Process, is_stale, processes, remove_stale_configs
from tidemark.job.logfile import LATEST, open_log

DAY = 86_400


def test_a_run_has_a_file_of_its_own_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "logs" / "sync"
    with open_log(folder, "r1", 30) as log:
        log.write("one\n")
        first = log.path
    with open_log(folder, "r2", 30) as log:
        second = log.path
    assert log.problem is None
    assert first != second
    assert first.read_text() == "one\n"
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / LATEST).resolve() == second.resolve()


def test_old_logs_go_and_young_ones_stay(tmp_path: Path) -> None:
    ages = {"old.log": 31, "young.log": 29}
    for name, days in ages.items():
        (tmp_path / name).touch()
        when = time.time() - days * DAY
        os.utime(tmp_path / name, (when, when))
    (tmp_path / "notes.txt").touch()
    os.utime(tmp_path / "notes.txt", (0, 0))
    with open_log(tmp_path, "r1", 30):
        pass
    left = {path.name for path in tmp_path.iterdir()}
    assert "old.log" not in left
    assert {"young.log", "notes.txt", LATEST} <= left


def open_files() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def test_a_log_that_no_pointer_can_be_made_to_is_closed(tmp_path: Path) -> None:
    (tmp_path / ".r1.link").touch()
    before = open_files()
    with pytest.raises(FileExistsError):
        open_log(tmp_path, "r1", 30)
    assert open_files() == before


NOW = 1_700_000_000.0
MELTANO = ("/x/.venv/bin/python", "/x/.venv/bin/meltano", "run", "sync")
FOLLOWED = ("/x/.venv/bin/python", "-P", "-m", "tidemark.services.follow.ready.meltano")


@pytest.mark.parametrize(
    ("living", "stale"),
    [
        ([], True),
        ([Process(("sshd",), NOW - 60)], True),
        ([Process(("/x/tap-mysql", "--config", "/r/tap.1.config.json"), NOW + 1)], False),
        ([Process(("/x/tap-mysql", "--config", "/r/tap.2.config.json"), NOW + 1)], True),
        ([Process(MELTANO, NOW - 5)], False),  # it may have written it, and start the plugin yet
        ([Process(MELTANO, NOW + 5)], True),  # it began when the file was there
        ([Process(("grep", "-r", "meltano"), NOW - 5)], True),
        ([Process(FOLLOWED, NOW - 5)], True),  # a follower's: it forks itself for each run
        ([Process(FOLLOWED, NOW - 5, is_fork=True)], False),
        ([Process(FOLLOWED, NOW + 5, is_fork=True)], True),
    ],
)
def test_a_configuration_is_stale_when_neither_its_meltano_nor_its_plugin_lives(
    living: list[Process], stale: bool
) -> None:
    assert is_stale("tap.1.config.json", NOW, living) is stale


def test_a_fork_is_told_from_what_it_was_forked_from(tmp_path: Path) -> None:
    (tmp_path / "meltano.py").write_text(
        "import os, sys\nos.fork()\nos.write(1, b'%d\\n' % os.getpid())\nsys.stdin.read()\n"
    )
    words = (sys.executable, "-m", f"{tmp_path.name}.meltano")
    with subprocess.Popen(
        words, cwd=tmp_path.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        pids = {int(server.stdout.readline()) for _ in range(2)}
        found = [process for process in processes() if process.words == words]
        server.communicate()
    assert server.pid in pids
    assert sorted(process.is_fork for process in found) == [False, True]


@pytest.mark.fault(139)
@pytest.mark.security(22)
def test_the_configuration_of_a_killed_run_goes_at_once_that_of_a_living_one_stays(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run" / "tap-mysql"
    folder.mkdir(parents=True)
    dead, alive = (folder / f"tap.{name}.config.json" for name in ("dead", "alive"))
    for path in (dead, alive, folder / "state.json"):
        path.write_text('{"db_password": "in clear"}')
        # Before any process that runs here: other runs of Meltano on this machine are younger.
        os.utime(path, (0, 0))
    command = [sys.executable, "-c", "input()", "--config", str(alive)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as living:
        # A process that has only just begun shows no command line yet.
        cmdline = Path(f"/proc/{living.pid}/cmdline")
        while b"alive" not in cmdline.read_bytes():
            time.sleep(0.01)
        try:
            assert remove_stale_configs(tmp_path) == 1
        finally:
            living.communicate("\n")
    assert (dead.exists(), alive.exists()) == (False, True)
    assert (folder / "state.json").exists()
    assert remove_stale_configs(tmp_path) == 1
