"""When the tables were last tested, by this follower or an earlier one on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path

from tidemark_core.names import TableName

#: Less than the hour after which all tables are read, so that they are tested then.
_SECONDS = 3_000.0


class LastTests:
    """Remembers it as the time of a file, which has one line per table.

    Args:
        file: The file.
        tables: Those that are tested; an earlier follower may have had others.
        clock: Gives seconds since 1970.
    """

    def __init__(
        self, file: Path, tables: Collection[TableName], clock: Callable[[], float] = time.time
    ) -> None:
        self._file, self._clock = file, clock
        self._names = {str(table) for table in tables}

    @property
    def are_due(self) -> bool:
        """Whether the tests are to be run again; also if the clock was set back."""
        try:
            if not 0 <= self._clock() - self._file.stat().st_mtime < _SECONDS:
                return True
            return not self._names <= {*self._file.read_text().splitlines()}
        except (OSError, UnicodeDecodeError):
            return True

    def passed(self) -> None:
        """Notes that they have passed.

        Raises:
            OSError: It cannot be written.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text("".join(f"{name}\n" for name in sorted(self._names)))
