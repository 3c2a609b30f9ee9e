"""How much memory this process takes, by the kernel's own account."""

from __future__ import annotations

from pathlib import Path

_SELF = Path("/proc/self")


def begin_peak() -> int:
    """Has the peak begin here; gives the megabytes that are resident now."""
    (_SELF / "clear_refs").write_text("5")
    return _megabytes("VmRSS")


def peak() -> int:
    """The most megabytes that were resident since `begin_peak`."""
    return _megabytes("VmHWM")


def _megabytes(which: str) -> int:
    words = (_SELF / "status").read_text().split()
    return int(words[words.index(f"{which}:") + 1]) >> 10
