"""Programs of a checkout's own environment, which know what its ``.env`` says and no more."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def run_in(
    root: Path, program: str, *arguments: str, folder: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a program in a checkout, or in a folder of it."""
    return subprocess.run(
        [str(root / ".venv/bin" / program), *arguments],
        cwd=root / folder,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        | {"MELTANO_CLI_DISABLE_VERSION_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
