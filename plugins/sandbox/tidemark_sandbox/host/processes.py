"""Starting servers that outlive us, and finding exactly those again.

A server is started in a session of its own by a small shell that notes its own pid, start time
and boot before it becomes the server, so a server never runs without a note. A noted pid is
believed only while all three still agree with ``/proc`` (proc(5)), so a pid that the kernel has
given to another process is never signalled.

Children that a server leaves behind when it is killed (ssh sessions, PostgreSQL back ends) are
found by the log file that they have as their standard error.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tidemark_sandbox.errors import SandboxError

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# $0 is the note, the rest the command; $$ stays the shell's pid, which exec hands on.
_LAUNCHER = (
    "read -r boot </proc/sys/kernel/random/boot_id && read -r stat </proc/$$/stat && "
    'printf "%s\\n%s\\n" "$boot" "$stat" >"$0.new" && mv "$0.new" "$0" && exec "$@"'
)
# Fields 20 (num_threads) and 22 (starttime) of /proc/pid/stat, counted after the name.
_THREADS, _START_TIME = 17, 19


@dataclass(frozen=True)
class ProcessId:
    """A process that cannot be mistaken for another one."""

    pid: int
    started: int
    boot: str


def parse_note(text: str) -> ProcessId | None:
    """Reads what the launcher wrote: the boot id and the line of ``/proc/<pid>/stat``."""
    boot, _, stat = text.strip().partition("\n")
    try:
        pid = int(stat.split(" ", 1)[0])
        started = int(stat.rpartition(")")[2].split()[_START_TIME])
    except (ValueError, IndexError):
        return None
    return ProcessId(pid, started, boot) if boot else None


def _started(pid: int) -> int | None:
    """When a running process started (clock ticks after boot), None when none runs.

    The first thread of a killed server may be a zombie while its other threads still hold its
    files and ports: it has ended only when none of them is left.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    gone = fields[0] in "ZX" and int(fields[_THREADS]) <= 1
    return None if gone else int(fields[_START_TIME])


def alive(process: ProcessId) -> bool:
    """Whether this very process still runs; a zombie does not."""
    return _started(process.pid) == process.started and _BOOT_ID.read_text().strip() == process.boot


def ended(pid: int) -> bool:
    """Whether a pid is free, or that of a process that has ended but was not reaped."""
    return _started(pid) is None


def writers(log: Path) -> set[int]:
    """The pids that have ``log`` as standard output or error, except our own."""
    names = (str(log), f"{log} (deleted)")
    pids = {*psutil.pids()} - {os.getpid()}
    return {pid for pid in pids if any(_stream(pid, number) in names for number in (2, 1))}


def _stream(pid: int, number: int) -> str | None:
    """What a process has as standard output (1) or error (2); None: nothing that we may know."""
    try:
        # Asked of every process of the machine, for which a Path takes several times as long.
        return os.readlink(f"/proc/{pid}/fd/{number}")  # noqa: PTH115
    except OSError:
        return None


@dataclass(frozen=True)
class Daemon:
    """A server of ours.

    Attributes:
        note: File with its pid, start time and boot.
        log: File that takes its output.
        stop_signal: What makes it end cleanly.
    """

    note: Path
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM

    def find(self) -> ProcessId | None:
        """The running server, or None."""
        try:
            process = parse_note(self.note.read_text())
        except OSError:
            return None
        return process if process and alive(process) else None

    def pids(self) -> set[int]:
        """Everything that is left of this server: itself, and children that write to its log."""
        process = self.find()
        return writers(self.log) | ({process.pid} if process else set())

    def start(self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        """Starts the server, detached from this process.

        Args:
            command: Program (its whole path) and arguments.
            env: The whole environment that it gets.
            cwd: The folder that it runs in.

        Raises:
            SandboxError: The launcher itself did not run.
        """
        self.note.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            subprocess.run(
                ["setsid", "--fork", "/bin/sh", "-c", _LAUNCHER, str(self.note), *command],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(env),
                cwd=cwd,
            )
        if not _wait(self.note.exists, 30):
            raise SandboxError(f"{command[0]} was not started", hint=f"tail {self.log}")

    def stop(self, grace: float = 20) -> None:
        """Ends the server and its children: cleanly, after ``grace`` seconds by SIGKILL.

        Raises:
            SandboxError: Something is still there.
        """
        process = self.find()
        if process:
            _signal({process.pid}, self.stop_signal)
            _signal({process.pid}, signal.SIGCONT)  # a stopped process would not handle it
            _wait(lambda: not alive(process), grace)
        left = self.pids()
        if left:
            _signal(left, signal.SIGTERM)
            _wait(lambda: not self.pids(), min(grace, 3))
        self.kill()

    def wait_gone(self, process: ProcessId, seconds: float = 30) -> None:
        """Waits until a process has ended.

        Raises:
            SandboxError: It has not.
        """
        if not _wait(lambda: not alive(process), seconds):
            raise SandboxError(f"Process {process.pid} does not end", hint=f"tail {self.log}")

    def kill(self) -> None:
        """Ends the server and its children with SIGKILL.

        Raises:
            SandboxError: Something is still there.
        """
        left = self.pids()
        _signal(left, signal.SIGKILL)
        if left and not _wait(lambda: not self.pids(), 30):
            raise SandboxError(
                f"Process {sorted(self.pids())} does not end", hint=f"tail {self.log}"
            )
        self.note.unlink(missing_ok=True)


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait(done: Callable[[], bool], seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True
