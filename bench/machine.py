"""The machine of the bench, and the sandbox's servers on it: their CPU, and their core."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tidemark_sandbox.world import Sandbox

_TICK = os.sysconf("SC_CLK_TCK")
_SSH = "sshd"


def servers_cpu(sandbox: Sandbox) -> tuple[float, float]:
    """CPU seconds so far of MySQL, and of sshd with the sessions that have ended."""
    time.sleep(0.3)  # a session ends a moment after its tunnel
    server = ssh = 0.0
    for pid, command in _processes(sandbox):
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
        seconds = sum(int(field) for field in fields[11:15]) / _TICK
        if _SSH in command:
            ssh += seconds
        elif any(name in command for name in ("mariadbd", "mysqld")):
            server += seconds
    return server, ssh


def pin(sandbox: Sandbox) -> None:
    """Has the servers run on the machine's first core, and this process and its own on the others.

    Raises:
        ValueError: There is one core only.
    """
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise ValueError("to pin servers and clients takes two cores")
    for pid, _ in _processes(sandbox):
        for task in Path("/proc", str(pid), "task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), {first})
    os.sched_setaffinity(0, set(others[:1]))


def description() -> str:
    """This machine: its processor, cores that may be used, and memory."""
    text = Path("/proc/cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in text.splitlines()
                  if line.startswith("model name")), "unknown processor")  # fmt: skip
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {pages / 2**30:.0f} GiB"


def _processes(sandbox: Sandbox) -> Iterator[tuple[int, str]]:
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdecimal():
                command = (folder / "cmdline").read_text(errors="replace").replace("\0", " ")
                if str(sandbox.config.dir) in command and int(folder.name) != os.getpid():
                    yield int(folder.name), command
