"""The logs of unattended runs: a file a run, kept for some days."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

LATEST = "latest.log"
_DAY = 86_400


def open_log(folder: Path, run_id: str, retention_days: int) -> tuple[Path, IO[str]]:
    """Opens the log of a new run and removes those that are too old.

    Args:
        folder: Folder of the job's logs; made if missing, for its owner only.
        run_id: The run.
        retention_days: How long logs are kept.

    Returns:
        Path and text stream. ``latest.log`` points at it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    limit = time.time() - retention_days * _DAY
    for old in folder.glob("*.log"):
        if not old.is_symlink() and old.stat().st_mtime < limit:
            old.unlink(missing_ok=True)
    path = folder / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}_{run_id}.log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pointer = folder / f".{run_id}.link"
    pointer.symlink_to(path.name)
    pointer.replace(folder / LATEST)
    return path, os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)
