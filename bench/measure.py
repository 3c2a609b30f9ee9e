"""Wall-clock seconds, CPU seconds and peak memory of processes, each with all of its children."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_EVERY_SECONDS = 0.02
_TICK = os.sysconf("SC_CLK_TCK")
#: CPU seconds of what `run` has run.
_of_runs: list[float] = []


class BenchError(Exception):
    """A command of the bench failed."""


@dataclass(frozen=True)
class Measured:
    """What a pipe of commands took.

    Attributes:
        seconds: From the first start to the last end.
        cpu_seconds: Of all processes together.
        peaks: Highest resident memory in MB, by program; of several processes of one program,
            the largest.
        output: What the last command wrote to stdout.
    cpus: CPU seconds by program, to a fiftieth of a second of each process.
    """

    seconds: float
    cpu_seconds: float
    peaks: dict[str, float]
    output: str
    cpus: dict[str, float]


def run(
    *commands: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    discard: bool = False,
) -> Measured:
    """Runs commands as a shell's pipe does, and measures them.

    Args:
        commands: Each one's stdout is the next one's stdin.
        env: Variables besides this process's own.
        cwd: Folder to run in.
        discard: Whether the last one's stdout goes to /dev/null.

    Raises:
        BenchError: One of them failed; with the end of its stderr.
    """
    environ = os.environ | dict(env or {})
    before = children_cpu()
    begun = time.monotonic()
    running: list[subprocess.Popen[bytes]] = []
    errors: list[_Reader] = []
    stdin: Any = subprocess.DEVNULL
    for number, command in enumerate(commands):
        last = number == len(commands) - 1
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=stdin,
            stdout=subprocess.DEVNULL if last and discard else subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            cwd=cwd,
        )
        if number:
            stdin.close()
        stdin = process.stdout
        running.append(process)
        errors.append(_Reader(process.stderr))
    output = _Reader(running[-1].stdout)
    watcher = _Watcher([process.pid for process in running])
    codes = [process.wait() for process in running]
    seconds = time.monotonic() - begun
    watcher.stop()
    for command, code, reader in zip(commands, codes, errors, strict=True):
        if code:
            raise BenchError(f"{command[0]} ended with {code}:\n{reader.text()[-4000:]}")
    cpu = children_cpu() - before
    _of_runs.append(cpu)
    return Measured(seconds, cpu, watcher.peaks(), output.text(), watcher.cpus())


def tunnels_cpu() -> float:
    """CPU seconds of children that `run` did not start and that have ended: of tunnels."""
    return children_cpu() - sum(_of_runs)


def children_cpu() -> float:
    """CPU seconds of all children that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class _Reader:
    """Empties a pipe, so that nobody waits for it."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._pipe = pipe
        self._data = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        if self._pipe is not None:
            self._data = self._pipe.read()
            self._pipe.close()

    def text(self) -> str:
        self._thread.join()
        return self._data.decode(errors="replace")


class _Watcher:
    """Reads the kernel's own high-water marks of processes and their children until told, and CPU.

    Not `ru_maxrss`: a child that was started by vfork inherits its parent's.
    """

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._seen: dict[int, tuple[str, float, float]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            for pid in self._pids:
                self._look(pid)

    def _look(self, pid: int) -> None:
        with contextlib.suppress(OSError, IndexError, ValueError):
            folder = Path("/proc", str(pid))
            words = (folder / "status").read_text().split()
            kilobytes = int(words[words.index("VmHWM:") + 1])
            # One that is just ending has no command line any more; its name is known then.
            if name := _program(folder):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                seconds = (int(fields[11]) + int(fields[12])) / _TICK
                self._seen[pid] = (name, kilobytes / 1024, seconds)
            for task in (folder / "task").iterdir():
                for child in (task / "children").read_text().split():
                    self._look(int(child))

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def peaks(self) -> dict[str, float]:
        peaks: dict[str, float] = {}
        for name, size, _ in self._seen.values():
            peaks[name] = max(size, peaks.get(name, 0.0))
        return peaks

    def cpus(self) -> dict[str, float]:
        cpus: dict[str, float] = {}
        for name, _, seconds in self._seen.values():
            cpus[name] = cpus.get(name, 0.0) + seconds
        return cpus


def _program(folder: Path) -> str:
    """The name of a process's program; a script's or module's own name, not its interpreter's."""
    words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
    name = Path(words[0]).name
    if not name.startswith("python") or len(words) < 2:
        return name
    if "-m" in words:
        return words[words.index("-m") + 1]
    return name if words[1].startswith("-") else Path(words[1]).name
