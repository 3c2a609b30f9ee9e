"""The processes below a process (proc(5)), any of which may end while they are looked at."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from tidemark_sandbox.host.processes import ended


def descendants(pid: int) -> list[int]:
    found = []
    for child in _children(pid):
        found += [child, *descendants(child)]
    return found


def tunnels(pid: int) -> list[int]:
    """The ssh processes below a process; each runs under a small shell."""
    return [child for child in descendants(pid) if command_line(child)[:1] == ["ssh"]]


def command_line(pid: int) -> list[str]:
    """Empty when the process is gone."""
    with suppress(OSError):
        return Path("/proc", str(pid), "cmdline").read_text().split("\0")[:-1]
    return []


def end(*pids: int) -> bool:
    """Whether processes end soon: what ends with its parent does so a moment later."""
    deadline = time.monotonic() + 20
    while not (done := all(map(ended, pids))) and time.monotonic() < deadline:
        time.sleep(0.02)
    return done


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in Path("/proc", str(pid), "task").iterdir():
            with suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    return found
