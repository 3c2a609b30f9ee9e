"""The holder of a lease: a process on a machine, and whether it is known to have ended."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from tidemark_core.text.documents import Json

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: Field of /proc/<pid>/stat, counted from the one after the command's ")" (proc(5), starttime).
_STATE, _START_TIME = 0, 19
_GONE = frozenset("ZXx")


@dataclass(frozen=True)
class Holder:
    """A process that holds, or held, a lease.

    Attributes:
        name: What it is, for people: ``target-s3-parquet, run 0b5c…``.
        host: Name of its machine, for people.
        pid: Process id, in its own process namespace.
        started: Start time of the process in clock ticks since boot: a pid alone may be reused.
        machine: Boot id and process namespace; empty where the system does not tell. Only within
            one of these does a pid mean the same process.
    """

    name: str
    host: str
    pid: int
    started: int = 0
    machine: str = ""

    @classmethod
    def this_process(cls, name: str) -> Holder:
        return cls.of(os.getpid(), name)

    @classmethod
    def of(cls, pid: int, name: str) -> Holder:
        """A process of this machine, such as our parent."""
        return cls(name, socket.gethostname(), pid, _started(pid) or 0, _machine())

    @classmethod
    def from_dict(cls, document: Json) -> Holder:
        """Reads what `to_dict` writes.

        Raises:
            KeyError, TypeError, ValueError: It is something else.
        """
        return cls(
            str(document["name"]),
            str(document["host"]),
            int(document["pid"]),
            int(document["started"]),
            str(document["machine"]),
        )

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    @property
    def is_gone(self) -> bool:
        """Whether the process is certainly dead; False when that cannot be known from here."""
        if not self.machine or self.machine != _machine():
            return False
        started = _started(self.pid)
        if started is None and _is_hidden(self.pid):
            return False
        return self.started == 0 or started != self.started

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid} on {self.host})"


def _machine() -> str:
    try:
        return f"{_BOOT_ID.read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _is_hidden(pid: int) -> bool:
    """Whether another user has a process of this id, which a /proc with hidepid does not show."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _started(pid: int) -> int | None:
    """Start time of a living process; None when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[_STATE] in _GONE else int(fields[_START_TIME])
