"""The logs of unattended runs: one file per run, kept for some days."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

LATEST = "latest.log"
_DAY = 86_400


class RunLog:
    """The log of a run. A failed write does not fail the run, which is worth more.

    Attributes:
        path: The file.
        problem: Why something could not be written; None: everything was.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, text: str) -> None:
        """Writes at once, so that the log of a killed run is complete."""
        left = text.encode(errors="replace")
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as error:
            self.problem = self.problem or str(error)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._file)


def open_log(folder: Path, run_id: str, retention_days: int) -> RunLog:
    """Opens the log of a new run and removes those that are too old.

    Args:
        folder: Folder of the job's logs; made if missing, for its owner only.
        run_id: The run.
        retention_days: How long logs are kept.

    Returns:
        The log. ``latest.log`` points at it.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    limit = time.time() - retention_days * _DAY
    for old in folder.glob("*.log"):
        if not old.is_symlink() and old.stat().st_mtime < limit:
            old.unlink(missing_ok=True)
    with ExitStack() as undo:
        log = RunLog(folder / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}_{run_id}.log")
        undo.push(log)
        pointer = folder / f".{run_id}.link"
        pointer.symlink_to(log.path.name)
        pointer.replace(folder / LATEST)
        undo.pop_all()
    return log
