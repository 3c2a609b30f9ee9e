"""Plans what to read from a table with a replication key."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from tap_mysql.incremental import key_warnings, window
from tap_mysql.incremental.bookmark import Bookmark, FirstLoad
from tap_mysql.incremental.options import Options
from tap_mysql.incremental.source_probe import Questions
from tap_mysql.incremental.window import News, Window
from tap_mysql.query import sql
from tap_mysql.query.column_reads import Plan
from tap_mysql.query.key_ranges import split
from tap_mysql.query.sql import Range
from tap_mysql.source.schema import Column, Table
from tap_mysql.source.session.connection import Session
from tap_mysql.values import key_values
from tap_mysql.values.key_values import KeyValue

logger = logging.getLogger("tap-mysql.extract")


@dataclass(frozen=True)
class Look:
    """Looks at a table through one session, so at one server and at one moment.

    Attributes:
        session: The server.
        table: The table.
        key: Its replication key.
        plans: Columns to read.
        order: Columns in whose order it is read.
        options: How it is extracted.
        now: The source's clock.
        lag: How far a replica is behind.
    """

    session: Session
    table: Table
    key: Column
    plans: Sequence[Plan]
    order: tuple[str, ...]
    options: Options
    now: datetime
    lag: timedelta

    @property
    def _ask(self) -> Questions:
        return Questions(self.table.name, self.key, self.plans, self.options)

    @cached_property
    def greatest(self) -> KeyValue | None:
        """The greatest key when it was first asked for; None: no row has one."""
        return self._ask.greatest(self.session)

    def nulls(self) -> int:
        """Rows without a key; see `Questions.nulls`."""
        return self._ask.nulls(self.session)

    def first_load(self, nulls: int) -> FirstLoad | None:
        """A first load of the existing rows; None if there are none."""
        greatest = upper = self.greatest
        if upper is None:
            if not nulls:
                logger.info("no rows yet", extra={"table": str(self.table.name)})
                return None
            # Only rows without a key: the lowest bookmark, so that the next run looks again.
            upper = key_values.lowest(self._ask.kind)
        end = self._ask.end_of_part(self.session, None, self.now - self.lag)
        upper = upper if end is None else min(upper, end)
        decided = self._decide(Bookmark(), upper)
        key_warnings.warn_future(self.table.name, self.key.name, decided)
        where = sql.window(self.key, None, upper, nulls=nulls > 0)
        whole = Range(self.table.name, where, self.order)
        ranges = split(whole, self.options.chunks, self.session.rows, self.table)
        return FirstLoad(
            upper=upper,
            order=self.order,
            left=tuple((part.after, part.until) for part in ranges),
            edge=self._ask.edge(
                self.session,
                decided.next_lower,
                None if greatest is None else upper,
                nulls=nulls > 0,
            ),
            cap=decided.cap,
        )

    def cap(self, load: FirstLoad) -> KeyValue | None:
        """Greatest value that the bookmark may take once a first load is done.

        The cap at its beginning: ranges that were read then lack what has come since.
        """
        cap = self._decide(Bookmark(), load.upper).cap
        return cap if cap is None or load.cap is None else min(cap, load.cap)

    def unless_renumbered(self, bookmark: Bookmark) -> Bookmark:
        """The bookmark, or none if the server gives numbers up to it for the second time.

        So it does after a TRUNCATE, and when it was restored from a backup.
        """
        value = bookmark.value
        if not self.key.is_auto_increment or value is None or bookmark.first_load is not None:
            return bookmark
        greatest = self.greatest
        if greatest is not None and greatest >= value:  # type: ignore[operator]
            return bookmark
        number = self._ask.next_number(self.session)
        if number is None or number > value:  # type: ignore[operator]
            return bookmark
        key_warnings.warn_renumbered(self.table.name, self.key.name, value, number)
        return Bookmark()

    def in_step(self, bookmark: Bookmark) -> Bookmark:
        """The bookmark, no later than the source's clock; see `window.in_step`."""
        kept = window.in_step(self.table.name, bookmark, self.now)
        if kept != bookmark:
            key_warnings.warn_clock(self.table.name, bookmark.value, self.now)
        return kept

    def news(self, bookmark: Bookmark) -> News | None:
        """What is new; None when the rows near the bookmark are as they were."""
        nulls = self.nulls()
        decided = self._decide(bookmark, self.greatest)
        if decided.upper is None and not nulls:
            return None
        end = self._ask.end_of_part(self.session, bookmark.value, self.now - self.lag)
        if end is not None and end < decided.upper:  # type: ignore[operator]
            decided = window.cut(decided, end, self.options.lookback)
        else:
            seen = self._ask.edge(self.session, decided.lower, decided.upper, nulls=nulls > 0)
            if seen is not None and seen == bookmark.edge:
                logger.info("nothing new", extra={"table": str(self.table.name)})
                return None
        key_warnings.warn_future(self.table.name, self.key.name, decided)
        key_warnings.warn_behind(self.table.name, self.key.name, decided, bookmark.value)
        lower = window.next_lower(bookmark.value, decided, self.options.lookback)
        edge = self._ask.edge(self.session, lower, decided.upper, nulls=nulls > 0)
        rows = self._ask.expected(self.session, decided.lower, decided.upper)
        return News(decided, nulls, edge, rows)

    def _decide(self, bookmark: Bookmark, greatest: KeyValue | None) -> Window:
        return window.decide(bookmark, greatest, self.now, self.options.lookback, self.lag)
