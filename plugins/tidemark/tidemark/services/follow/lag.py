"""How long changes take from their commit in MySQL until they are seen in the warehouse. Pure.

The log is looked at every second. What is new in it was committed after the previous look had
begun; so the reported lag is never less than the true one, and exceeds it by at most the time
between two looks. All times are by one clock, this machine's monotonic one, which cannot be set.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from mysql_binlog import Position
from tidemark_core.names import TableName

#: Lags are counted in tenths of a second.
_GRAIN = 10


@dataclass(frozen=True)
class Change:
    """A change of a table.

    Attributes:
        position: The log's end when that was seen.
        since: It was not committed before this time; None if unknown.
    """

    position: Position
    since: float | None


@dataclass(frozen=True)
class Spread:
    """How long many changes took, in seconds."""

    p50: float
    p95: float
    most: float
    count: int

    def __str__(self) -> str:
        times = f"p50 {self.p50:.1f} s, p95 {self.p95:.1f} s, max {self.most:.1f} s"
        return f"{times} ({self.count:,} measured)"


class Lags:
    """The changes not seen in the warehouse yet, and how long earlier ones took.

    Used by two threads: one looks at the log, the other one moves the rows.

    Args:
        most: Changes of one table that are remembered one by one; beyond that neighbours are
            merged.
    """

    def __init__(self, most: int = 4_096) -> None:
        self._most = most
        self._waiting: dict[TableName, list[Change]] = {}
        self._read: dict[TableName, Position] = {}
        #: The server whose log was looked at last, and those whose place others have taken since.
        self._server: str | None = None
        self._former: set[str] = set()
        self._took: dict[TableName, Counter[int]] = {}
        self._lock = threading.Lock()

    def answers(self, end: Position) -> None:
        """Notes whose log is looked at, also when nothing is new in it.

        Args:
            end: The log's end.
        """
        with self._lock:
            self._note_server(end)

    def changed(
        self, tables: Collection[TableName], position: Position, since: float | None
    ) -> None:
        """Notes that tables have changed.

        Args:
            tables: The tables.
            position: The log's end.
            since: When the previous look began; None: there was none.
        """
        with self._lock:
            self._note_server(position)
            for table in tables:
                waiting = self._waiting.setdefault(table, [])
                waiting.append(Change(position, since))
                if len(waiting) > self._most:
                    self._waiting[table] = _halved(waiting)

    def read(self, table: TableName, position: Position) -> None:
        """Notes how far a table has been read."""
        with self._lock:
            self._read[table] = position

    def unread(self) -> set[TableName]:
        """The tables that have changed beyond the position up to which they were read."""
        with self._lock:
            return {
                table
                for table, waiting in self._waiting.items()
                if waiting and not self._is_read(table, waiting[-1])
            }

    def _note_server(self, end: Position) -> None:
        """Where another server has taken the place, what waits is in its log by now, or lost."""
        if self._server is not None and self._server != end.server:
            for table, waiting in self._waiting.items():
                self._waiting[table] = [
                    change if self._is_read(table, change) else replace(change, position=end)
                    for change in waiting
                ]
            self._former.add(self._server)
        self._former.discard(end.server)
        self._server = end.server

    def _is_read(self, table: TableName, change: Change) -> bool:
        """Whether the last reading of a table includes a change.

        A reading of another server does: it began after the change's log was lost. Unless that
        server is a former one: then it was the reading that came first.
        """
        position = self._read.get(table)
        if position is None:
            return False
        if position.server == change.position.server:
            return change.position.order <= position.order
        return position.server not in self._former

    def seen(self, table: TableName, now: float) -> float | None:
        """Notes that what was read of a table is seen in the warehouse.

        Returns:
            The longest time that a change of it took, in seconds; None if there was none with a
            known time.
        """
        with self._lock:
            waiting = self._waiting.get(table, [])
            done = [change for change in waiting if self._is_read(table, change)]
            self._waiting[table] = waiting[len(done) :]
            times = [now - change.since for change in done if change.since is not None]
            self._took.setdefault(table, Counter()).update(math.ceil(t * _GRAIN) for t in times)
            return max(times, default=None)

    def oldest(self, table: TableName, now: float) -> float | None:
        """How long the oldest change of a table has been waiting; None if none is."""
        with self._lock:
            times = (change.since for change in self._waiting.get(table, []))
            return max((now - since for since in times if since is not None), default=None)

    def spread(self, tables: Iterable[TableName] | None = None) -> Spread | None:
        """How long changes of some tables took, or of all; None: none was measured."""
        with self._lock:
            wanted = self._took.keys() if tables is None else tables
            took = sum((self._took.get(table, Counter()) for table in wanted), Counter[int]())
        return None if not took else _spread(took)


def _halved(waiting: list[Change]) -> list[Change]:
    """Merges every two neighbours: the time of the first, the position of the second."""
    pairs = zip(waiting[::2], waiting[1::2], strict=False)
    found = [Change(second.position, first.since) for first, second in pairs]
    return found + waiting[len(found) * 2 :]


def _spread(took: Counter[int]) -> Spread:
    count = took.total()

    def at(share: float) -> float:
        rank = math.ceil(count * share)
        for tenths in sorted(took):
            rank -= took[tenths]
            if rank <= 0:
                return tenths / _GRAIN
        raise AssertionError("a share is at most 1")

    return Spread(at(0.5), at(0.95), max(took) / _GRAIN, count)
