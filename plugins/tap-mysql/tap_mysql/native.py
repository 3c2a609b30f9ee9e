"""Keeps the noise of native libraries off the operator's terminal.

ConnectorX prints Rust backtraces and each try to connect straight to file descriptor 2. The
operator's own stderr moves to another descriptor; what native code prints goes to a file that is
shown when it matters (DEBUG).
"""

from __future__ import annotations

import os
import sys
import tempfile
from typing import IO


def divert() -> IO[bytes]:
    """Gives Python's stderr a descriptor of its own and native code's a nameless file.

    Returns:
        The file, at which native code writes.
    """
    sys.stderr.flush()
    own = os.dup(2)
    os.set_inheritable(own, False)
    noise = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
    os.dup2(noise.fileno(), 2)
    sys.stderr = os.fdopen(own, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    return noise
