"""Makes a process end with the one that started it.

``python -m tidemark_core.host.leash PARENT COMMAND`` starts a command so.

The children of a killed program would continue, beside the run that follows. The kernel can end
them (PR_SET_PDEATHSIG, prctl(2)), but with the thread that started them, which must therefore live
as long as its program. A process asks for that itself, or is started by this module, which asks for
it and then becomes the command: the command never runs without it.
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
    """The command line of a child that ends with this process."""
    return [sys.executable, "-P", "-m", "tidemark_core.host.leash", str(os.getpid()), *command]


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 (no shell is wanted)
