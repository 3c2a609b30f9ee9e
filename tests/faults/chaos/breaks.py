"""Kills and freezes what takes part in runs: their processes, and their sessions on the servers."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from processes.proctree import command_line
from tidemark_sandbox.world import Sandbox

_PROGRAMS = (
    *("meltano", "tap-mysql", "target-s3-parquet", "tap-s3-parquet", "target-redshift"),
    *("tidemark-dbt", "tidemark", "dbt"),
)
_JOB = "tidemark.job"
#: What a follower forks itself from; a fork has the same command line.
_READY = "tidemark.services.follow.ready."
#: PostgreSQL ends a session for this as Redshift does for an administrator; SIGKILL would end all.
_ENDING = {"warehouse session": signal.SIGTERM}
_START_TIME = 19
#: Seconds that a process is frozen: a moment, some time, and longer than a lease is good.
_FREEZES = ((0.1, 1.0), (1.0, 5.0), (9.0, 15.0))


class Processes(Protocol):
    """What runs."""

    def processes(self) -> Sequence[int]:
        """All of it that runs now."""


class Breaker:
    """Strikes one thing after the other.

    Attributes:
        kills: How often what was killed.
        freezes: How often what was frozen.
    """

    def __init__(self, sandbox: Sandbox, runs: Processes, chance: random.Random) -> None:
        self.kills: Counter[str] = Counter()
        self.freezes: Counter[str] = Counter()
        self._sandbox = sandbox
        self._runs = runs
        self._chance = chance
        self._frozen: list[threading.Timer] = []

    def strike(self) -> bool:
        """Kills or freezes one of the kinds that are there, each as likely; False: none is."""
        victims = self._victims()
        if not victims:
            return False
        kind = self._chance.choice(sorted(victims))
        pid = self._chance.choice(victims[kind])
        with suppress(ProcessLookupError):
            if self._chance.random() < 0.6:
                os.kill(pid, _ENDING.get(kind, signal.SIGKILL))
                self.kills[kind] += 1
            else:
                self._freeze(pid)
                self.freezes[kind] += 1
        return True

    def thaw(self) -> None:
        """Waits until nothing is frozen any more."""
        for timer in self._frozen:
            timer.join()

    def _freeze(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        started = _started(pid)

        def go_on() -> None:
            with suppress(ProcessLookupError):
                if _started(pid) == started:
                    os.kill(pid, signal.SIGCONT)

        timer = threading.Timer(self._chance.uniform(*self._chance.choice(_FREEZES)), go_on)
        self._frozen.append(timer)
        timer.start()

    def _victims(self) -> dict[str, list[int]]:
        found = defaultdict(list)
        for pid in self._runs.processes():
            if kind := _kind(command_line(pid)):
                found[kind].append(pid)
        bastion = self._sandbox.bastion.daemon.find()
        if bastion and (children := _children(bastion.pid)):
            found["sshd child"] = children
        sessions = self._sandbox.warehouse(
            "SELECT process FROM stv_sessions"
            " WHERE user_name IN ('tidemark_loader', 'tidemark_transformer')"
        )
        if sessions:
            found["warehouse session"] = [pid for (pid,) in sessions]
        return found


def _kind(command: Sequence[str]) -> str | None:
    """What a process is, by its command line; None: nothing of ours, or a shell around it."""
    for word in command[:5]:
        name = Path(word).name
        if name in _PROGRAMS or name == "ssh":
            return name
        if word == _JOB:
            return "run-job"
        if word.startswith(_READY):
            return f"ready {word.removeprefix(_READY)}"
    return None


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return []


def _started(pid: int) -> str | None:
    """A process's start time: its number may be given to another one."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_START_TIME]
    return None
