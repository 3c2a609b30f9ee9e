"""The load as its operator runs it, with all that takes part in it within reach of a kill."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from processes.proctree import command_line, tunnels
from redshift_stand_in.postgres.cluster import PORT, SUPERUSER
from tidemark_sandbox.debian.packages import program
from tidemark_sandbox.world import Sandbox

VICTIMS = ("loader", "tap", "meltano", "tunnel", "session", "s3")
PATIENCE = 120.0


class Chain:
    """`meltano run load` in a process group of its own, and what can be killed of it.

    Args:
        command: Meltano's command line.
        root: The project.
        sandbox: Where the load runs.
        env: Variables of the child processes.
        log: Where its output goes.
    """

    def __init__(
        self, command: Sequence[str], root: Path, sandbox: Sandbox, env: dict[str, str], log: Path
    ) -> None:
        self._sandbox = sandbox
        with log.open("w") as output:
            self._meltano = subprocess.Popen(
                command,
                cwd=root,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def runs(self) -> bool:
        return self._meltano.poll() is None

    def present(self, victim: str) -> bool:
        """Whether there is something to kill; a session lives as long as its tunnel."""
        return victim == "s3" or self._find("tunnel" if victim == "session" else victim) is not None

    def lives(self) -> dict[str, float]:
        """Lets the chain end undisturbed; how many seconds each part of it lived."""
        begun: dict[str, float] = {}
        ended: dict[str, float] = {}
        while self.runs():
            for victim in VICTIMS:
                if self.present(victim):
                    begun.setdefault(victim, time.monotonic())
                    ended[victim] = time.monotonic()
            time.sleep(0.02)
        return {victim: ended[victim] - begun[victim] for victim in VICTIMS}

    def strike_after(self, victim: str, delay: float) -> bool:
        """Kills a part some seconds after it has appeared; False when it is gone by then."""
        while not self.present(victim):
            if not self.runs():
                return False
            time.sleep(0.01)
        time.sleep(delay)
        return self.strike(victim)

    def strike(self, victim: str) -> bool:
        """Kills a part; False when it is not there, or the chain has ended."""
        if not self.runs():
            return False
        if victim == "session":
            return self._end_session()
        if victim == "s3":
            self._sandbox.kill("s3")
            return True
        pid = self._find(victim)
        with contextlib.suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                return True
        return False

    def _find(self, victim: str) -> int | None:
        if victim == "meltano":
            return self._meltano.pid if self.runs() else None
        words = {"loader": "target-redshift", "tap": "tap-s3-parquet", "tunnel": "target-redshift"}
        for pid in _group(self._meltano.pid):
            if not any(word.endswith(f"/{words[victim]}") for word in command_line(pid)):
                continue
            if victim != "tunnel":
                return pid
            return next(iter(tunnels(pid)), None)
        return None

    def _end_session(self) -> bool:
        """As the server does when it is restarted, or an administrator ends a session."""
        ended = subprocess.run(
            [
                program("psql"),
                f"--host={self._sandbox.config.postgres_sockets}",
                f"--port={PORT}",
                f"--username={SUPERUSER}",
                "--dbname=postgres",
                "--no-psqlrc",
                "--tuples-only",
                "--command=SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name LIKE 'tidemark target-redshift%'",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(ended.stdout) > 0

    def wait(self) -> int:
        """Waits until nothing of the chain runs any more: it must end by itself."""
        deadline = time.monotonic() + PATIENCE
        code = self._meltano.wait(timeout=PATIENCE)
        while left := _group(self._meltano.pid):
            assert time.monotonic() < deadline, f"{left} outlive the chain"
            time.sleep(0.05)
        return code

    def end(self) -> None:
        """Ends what is left of it, if a test has failed."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._meltano.pid, signal.SIGKILL)
        self._meltano.wait()


def _group(leader: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            if int(group) == leader and state != "Z":
                found.append(int(path.parent.name))
    return found
