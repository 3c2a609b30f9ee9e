"""When a follower has last tested its tables: also of the one before it, on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

#: Less than the hour after which all tables are read, so that they are tested then.
_SECONDS = 3_000.0


class LastTests:
    """Remembers it as the time of a file.

    Args:
        file: The file.
        clock: Gives seconds since 1970.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self._file, self._clock = file, clock

    @property
    def are_due(self) -> bool:
        """Whether the tests are to be run again; also if the clock was set back."""
        try:
            return not 0 <= self._clock() - self._file.stat().st_mtime < _SECONDS
        except OSError:
            return True

    def passed(self) -> None:
        """Notes that they have passed.

        Raises:
            OSError: It cannot be written.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.touch()
