"""The processes below a process (proc(5)), any of which may end while they are looked at."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


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


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in Path("/proc", str(pid), "task").iterdir():
            with suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    return found
