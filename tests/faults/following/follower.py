"""A follower that runs, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from processes.proctree import descendants
from projects.nights import Night

ROUND, LEG_FAILED = "Round completed", "Leg failed"


class Following:
    """A follower. All of a night write into one file, one behind the other."""

    def __init__(self, night: Night, *words: str) -> None:
        self.output = night.folder / "follow.out"
        program = str(night.root / ".venv/bin/tidemark")
        own = {"PATH": os.environ["PATH"], "MELTANO_PROJECT_ROOT": str(night.root)}
        with self.output.open("a") as file:
            self.process = subprocess.Popen(
                [program, "follow", "--every", "2s", *words],
                cwd=night.root,
                env=own | night.settings,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
            )

    @property
    def is_over(self) -> bool:
        return self.process.poll() is not None

    @property
    def said(self) -> list[dict[str, Any]]:
        lines = [line for line in self.output.read_text().splitlines() if line.startswith("{")]
        found = []
        for line in lines:
            with suppress(json.JSONDecodeError):  # it was killed while it wrote that one
                found.append(json.loads(line))
        return found

    @property
    def rounds(self) -> list[dict[str, Any]]:
        return [line for line in self.said if line["event"] == ROUND]

    @property
    def failures(self) -> list[str]:
        """What its backups fail with, as far as it has said."""
        told = [
            line["failed"]
            for line in self.said
            if line["event"] == ROUND or (line["event"] == LEG_FAILED and line["leg"] == "backup")
        ]
        return told[-1] if told else []

    def processes(self) -> list[int]:
        """It, and everything below it."""
        return [] if self.is_over else [self.process.pid, *descendants(self.process.pid)]

    def until(self, true: Callable[[list[dict[str, Any]]], object], seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while not true(self.rounds):
            assert not self.is_over, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.2)

    def kill(self, number: signal.Signals) -> int:
        """Sends a signal, to all of it if it is SIGKILL; gives the exit code."""
        processes = self.processes() if number == signal.SIGKILL else [self.process.pid]
        for pid in processes:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return self.process.wait(120)
