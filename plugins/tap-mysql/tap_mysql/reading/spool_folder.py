"""The folder of a run's files on their way to the target."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

from tidemark_core.errors import SourceError
from tidemark_core.host.process_identity import Holder

_PREFIX = "tidemark-tap-"
#: The processes that need a folder: the tap, then its parent, which hands its files over.
_OWNERS = ".owners"
#: The folder of an ended run that has not changed for this long is left over, even if it is unknown
#: who needed it.
_STALE_SECONDS = 24 * 3600
_POLL_SECONDS = 0.1


class TempFolder:
    """A run's folder for files on their way, mode 0700.

    Finished files stay when the run ends: their names are in the pipe, and the target removes them
    once they are uploaded. What an earlier run left is removed first: at once if both it and its
    parent process are dead, else after a day.

    Args:
        parent: Where the folder is made; None: the system's own.
        room: Maximum bytes of files that wait for the target; 0: no limit.
        patience: Seconds without a file taken after which the target is given up.
    """

    def __init__(
        self, parent: str | None = None, *, room: int = 0, patience: float = 1800.0
    ) -> None:
        self._room, self._patience = room, patience
        self._waiting: dict[Path, int] = {}
        self._lock = threading.Lock()
        base = Path(parent or tempfile.gettempdir())
        try:
            base.mkdir(parents=True, exist_ok=True)
            _remove_stale(base)
            self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=base))
            owners = (Holder.this_process("tap-mysql"), Holder.of(os.getppid(), "its parent"))
            told = json.dumps([owner.to_dict() for owner in owners])
            (self.path / _OWNERS).write_text(told)
        except OSError as error:
            raise SourceError(
                f"cannot create a folder for files in {base}: {error.strerror}",
                hint="set BACKUP_TEMP_DIR to a folder with space",
            ) from error
        self._numbers = itertools.count(1)

    def new_file(self) -> Path:
        return self.path / f"{next(self._numbers):06d}.parquet"

    def hand_over(self, path: Path) -> None:
        """Notes that a file's name is about to be sent to the target."""
        with self._lock:
            self._waiting[path] = path.stat().st_size

    @property
    def is_full(self) -> bool:
        """Whether the target is behind."""
        return bool(self._room) and self._behind() > self._room

    def await_room(self, stop: threading.Event) -> None:
        """Waits while the target is behind, so that its files do not fill the disk.

        Args:
            stop: Ends the wait when it is set.

        Raises:
            SourceError: It has taken nothing for too long.
        """
        before, since = -1, time.monotonic()
        while self._room and (behind := self._behind()) > self._room:
            if behind != before:
                before, since = behind, time.monotonic()
            elif time.monotonic() - since > self._patience:
                raise SourceError(
                    f"{behind // 2**20:,} MB of files in {self.path} wait for the target, which "
                    f"has taken none for {self._patience:.0f} seconds",
                    hint="find out why the target is stuck; if it is a target that leaves files in "
                    "place, set BACKUP_TEMP_MAX_MB=0",
                )
            if stop.wait(_POLL_SECONDS):
                return

    def _behind(self) -> int:
        with self._lock:
            self._waiting = {path: size for path, size in self._waiting.items() if path.exists()}
            return sum(self._waiting.values())

    def close(self) -> None:
        """Removes the folder if no file in it is still to be taken."""
        for unfinished in self.path.glob("*.part"):
            unfinished.unlink(missing_ok=True)
        if _is_empty(self.path):
            shutil.rmtree(self.path, ignore_errors=True)


def _is_empty(folder: Path) -> bool:
    return all(file.name == _OWNERS for file in folder.glob("*"))


def _remove_stale(base: Path) -> None:
    for folder in base.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        try:
            old = time.time() - folder.stat().st_mtime > _STALE_SECONDS
            left = old or _is_empty(folder) or _is_nobodys(folder)
            if pid.isdigit() and Holder.of(int(pid), "").is_gone and left:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def _is_nobodys(folder: Path) -> bool:
    """Whether all processes that needed it are dead; False if that is unknown."""
    try:
        told = json.loads((folder / _OWNERS).read_text())
        owners = [Holder.from_dict(owner) for owner in told]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return all(owner.started and owner.is_gone for owner in owners)
