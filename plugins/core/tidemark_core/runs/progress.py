"""Progress of a run's tables: bars on a terminal, log lines elsewhere.

Behind Meltano a plugin's stderr is not a terminal, so there it is lines; `tidemark` reads them and
draws the bars.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tidemark_core.logs import Event, log_event
from tidemark_core.text.documents import Json

logger = logging.getLogger("tidemark.progress")
#: Seconds between two lines of a table.
EVERY_VARIABLE, EVERY_SECONDS = "LOG_PROGRESS_SECONDS", 10.0
#: The same, where a person watches bars that are drawn from them.
WATCHED_SECONDS = 1


@dataclass(frozen=True)
class Progress:
    """How far a table is.

    Attributes:
        table: ``schema.table``.
        rows: Rows so far.
        total: Estimated total; None if unknown.
        bytes: Bytes of the files finished so far.
        seconds: Since it began.
        window: The replication keys that are read, as text; None: open at that end.
        ended: Whether nothing more will come: it is done, or has failed.
        phase: What is done with the rows once all have come, such as COPY; empty until then.
    """

    table: str
    rows: int
    total: int | None
    bytes: int
    seconds: float
    window: tuple[str | None, str | None] = (None, None)
    ended: bool = False
    phase: str = ""

    @property
    def rows_per_second(self) -> int:
        return round(self.rows / self.seconds) if self.seconds else 0

    @property
    def seconds_left(self) -> int | None:
        """Estimated time left; None if unknown."""
        if not self.rows or self.total is None:
            return None
        return round(max(0, self.total - self.rows) * self.seconds / self.rows)

    def fields(self) -> dict[str, Any]:
        """The fields of its line in the log."""
        return {
            "table": self.table,
            "rows": self.rows,
            "rows_expected": self.total,
            "rows_per_second": self.rows_per_second,
            "seconds_left": self.seconds_left,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 1),
            "start_time": self.window[0] or "",
            "end_time": self.window[1] or "",
            "ended": self.ended,
            "phase": self.phase,
        }

    @classmethod
    def from_fields(cls, fields: Json) -> Progress:
        """Reads a line of the log back; Meltano leaves out what is null.

        Raises:
            KeyError: A field is missing.
        """
        return cls(
            table=str(fields["table"]),
            rows=int(fields["rows"]),
            total=fields.get("rows_expected"),
            bytes=int(fields["bytes"]),
            seconds=float(fields["seconds"]),
            window=(fields["start_time"] or None, fields["end_time"] or None),
            ended=bool(fields["ended"]),
            phase=str(fields.get("phase") or ""),
        )


class Display(Protocol):
    """Where progress is shown; used by several threads."""

    def show(self, progress: Progress) -> None:
        """Shows how far a table is."""

    def close(self) -> None:
        """The run is over."""


@dataclass
class Lines:
    """One line per table now and then, and one at the end of a table that had any."""

    every: float
    _last: dict[str, float] = field(default_factory=dict)
    _phases: dict[str, str] = field(default_factory=dict)

    def show(self, progress: Progress) -> None:
        """See `Display`."""
        due = progress.seconds - self._last.get(progress.table, 0.0) >= self.every
        # A phase reports nothing until it is over: a person who watches sees it begin.
        begins = progress.phase != self._phases.get(progress.table, "")
        due = due or (begins and self.every <= WATCHED_SECONDS)
        self._phases[progress.table] = progress.phase
        if due or (progress.ended and progress.table in self._last):
            self._last[progress.table] = progress.seconds
            log_event(logger, Event.TABLE_PROGRESS, **progress.fields())
        if progress.ended:
            self._last.pop(progress.table, None)
            self._phases.pop(progress.table, None)

    def close(self) -> None:
        """See `Display`."""


def is_watched() -> bool:
    """Whether a person watches: stderr is a terminal."""
    return sys.stderr.isatty()


def display(environ: Mapping[str, str] = os.environ) -> Display:
    """Bars if a person watches, else lines."""
    if is_watched():
        from tidemark_core.runs.progress_bars import Bars

        return Bars()
    try:
        return Lines(float(environ.get(EVERY_VARIABLE) or EVERY_SECONDS))
    except ValueError:
        return Lines(EVERY_SECONDS)


@dataclass
class Meter:
    """Counts one table's rows as they come, for a display.

    Attributes:
        table: ``schema.table``.
        display: Where it is shown.
    """

    table: str
    display: Display
    clock: Callable[[], float] = time.monotonic
    _rows: int = 0
    _bytes: int = 0
    _total: int | None = None
    _window: tuple[str | None, str | None] = (None, None)
    _begun: float | None = None
    _phase: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, total: int | None, window: tuple[str | None, str | None]) -> None:
        """Starts to count, from 0.

        Args:
            total: Estimated total rows; None if unknown.
            window: The replication keys that are read, as text.
        """
        with self._lock:
            self._rows = self._bytes = 0
            self._phase = ""
            self._total, self._window, self._begun = total, window, self.clock()

    def add(self, *, rows: int = 0, bytes: int = 0) -> None:
        """More has come."""
        with self._lock:
            self._rows += rows
            self._bytes += bytes
            self._show(self._total, ended=False)

    def phase(self, name: str) -> None:
        """All rows have come, and something is done with them."""
        with self._lock:
            self._phase = name
            self._show(self._total, ended=False)

    def end(self) -> None:
        """Nothing more will come."""
        with self._lock:
            if self._begun is not None:
                self._show(self._rows, ended=True)

    def _show(self, total: int | None, *, ended: bool) -> None:
        seconds = 0.0 if self._begun is None else self.clock() - self._begun
        self.display.show(
            Progress(
                self.table,
                self._rows,
                total,
                self._bytes,
                seconds,
                self._window,
                ended,
                self._phase,
            )
        )
