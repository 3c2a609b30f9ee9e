"""Makes a process end with the one that started it.

``python -m tidemark_core.host.leash PARENT COMMAND`` starts a command so.

What a killed program has started goes on by itself, beside the run that follows. The kernel can end
it (PR_SET_PDEATHSIG, prctl(2)): with the thread that started it, so that must be one that lives as
long as its program. A process asks for that itself, or is started by this module, which asks for
it and then becomes the command: there is no moment at which the command runs without.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

#: Linux's prctl.h.
_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Has the kernel end this process when its parent ends, even by SIGKILL.

    Ends it at once when the parent has ended already.

    Args:
        parent: The process that started this one.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:  # Linux has it
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def leashed(command: Sequence[str]) -> list[str]:
    """The command line by which a child of this process ends with it."""
    return [sys.executable, "-P", "-m", "tidemark_core.host.leash", str(os.getpid()), *command]


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 (no shell is wanted)
