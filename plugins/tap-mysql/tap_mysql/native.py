"""Keeps the noise of native libraries off the operator's terminal.

ConnectorX prints Rust backtraces and each try to connect straight to file descriptor 2. The
operator's own stderr moves to another descriptor; what native code prints goes to a nameless file.
With DEBUG nothing is diverted.
"""

from __future__ import annotations

import os
import sys
import tempfile


def divert() -> None:
    """Gives Python's stderr a descriptor of its own and native code's a nameless file."""
    sys.stderr.flush()
    own = os.dup(2)
    os.set_inheritable(own, False)
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)  # descriptor 2 keeps the file when this one is closed
    sys.stderr = os.fdopen(own, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
