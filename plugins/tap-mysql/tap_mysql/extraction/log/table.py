"""One table that is read from the binary log: its first load, and the keys that have changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from mysql_binlog import Statement
from tidemark_core.errors import SourceError

from tap_mysql.binlog.bookmark import Left, LogBookmark, LogIdentity
from tap_mysql.binlog.errors import anew, values_changed
from tap_mysql.binlog.log import Log, Moment, only
from tap_mysql.binlog.shapes import rewritten, shapes
from tap_mysql.extraction.held_back import HeldBack
from tap_mysql.extraction.table import Extraction
from tap_mysql.query.key_ranges import split
from tap_mysql.query.sql import Key, Range
from tap_mysql.reading.key_reader import KeyReader

logger = logging.getLogger("tap-mysql.log")
#: Reads what has changed since a bookmark, and returns the bookmark after that.
CatchUp = Callable[[LogBookmark], LogBookmark]


@dataclass
class LogExtraction(Extraction):
    """Reads a table whose changed keys come from the log.

    Rows are read later than the log that names them, so they are at least as new as the position in
    the bookmark; a newer change has its own event after it.
    """

    @property
    def identity(self) -> LogIdentity:
        """What the bookmark belongs to."""
        return LogIdentity(self.table.name, self.table.primary_key)

    @property
    def shapes(self) -> dict[str, str]:
        """What decides which values the columns can have, when the table was looked at."""
        return shapes(plan.column for plan in self.plans)

    def tells_all(self, statement: Statement, bookmark: LogBookmark) -> SourceError | None:
        """The error of an ALTER that gave rows values that no event tells; None if it gave none."""
        read = [plan.column for plan in self.plans if plan.column.name in bookmark.columns]
        replaced = {name.lower() for name in statement.replaced}
        converted = {name.lower() for name in statement.converted}
        found = [
            column.name
            for column in read
            if column.name.lower() in replaced
            or (column.name.lower() in converted and "generated" in column.extra)
        ]
        return values_changed(found, self.table.name) if found else None

    def after(self, statement: Statement, bookmark: LogBookmark) -> LogBookmark:
        """The bookmark after a statement: all rows are left to be read if it gave them values.

        The columns as they are now need not show it: a default may be gone again.
        """
        read = {name.lower() for name in self._columns}
        filled = [name for name in statement.filled if name.lower() in read]
        if not filled or bookmark.left:
            return bookmark
        return self._all_again(bookmark, f"added: {', '.join(filled)}", filled)

    def begin(self, state: object, log: Log, catch_up: CatchUp) -> LogBookmark:
        """Reads the bookmark, and what is left of the first load.

        Args:
            state: The stream's entry in the Singer state.
            log: The server's.
            catch_up: Reads what has changed since a bookmark, between two files of the first load.

        Raises:
            TidemarkError: The table cannot be read; what was committed before stays true.
            Stopped: The run is being stopped.
            TableChangedError: The table's definition changed during the read, or another server
                answers.
        """
        bookmark = self.identity.read(state)
        with self.reading.source.session() as session:
            self.options.replication.lag(session, self.table.name)
        if bookmark is not None:
            if changed := rewritten(bookmark.shapes, self.shapes):
                raise values_changed(changed, self.table.name)
            bookmark = self._with_new_values(bookmark, catch_up)
            return self._go_on(bookmark, log, catch_up) if bookmark.left else bookmark
        # Before anything is read: what changes meanwhile is in the log after it.
        moment = log.moment()
        begun = LogBookmark(
            moment.position, moment.now, moment.now, self._columns, self._unselected,
            left=self._whole(), shapes=self.shapes, placed_at=moment.now,
        )  # fmt: skip
        return self._first_load(begun, moment, log, catch_up)

    def _whole(self) -> Left:
        """The key ranges of the whole table."""
        with self.reading.source.session() as session:
            whole = Range(self.table.name, order=self._order)
            ranges = split(whole, self.options.chunks, session.rows, self.table)
        return tuple((part.after, part.until) for part in ranges)

    def _with_new_values(self, bookmark: LogBookmark, catch_up: CatchUp) -> LogBookmark:
        """Has all rows read again if they have values in a new column of which no event tells.

        The position stays: what is deleted meanwhile is in the log after it. The log is read up to
        its end first, which proves that the server that answers is not behind the position.
        """
        drift = self._drift(bookmark)
        if not drift.gives_values:
            return bookmark
        return catch_up(self._all_again(bookmark, str(drift), drift.columns))

    def _all_again(self, bookmark: LogBookmark, what: str, columns: Sequence[str]) -> LogBookmark:
        logger.warning(
            "%s: its columns have changed (%s), and rows that were already read have values in "
            "them: all rows are read again", self.table.name, what,
            extra={"table": str(self.table.name), "columns": list(columns)},
        )  # fmt: skip
        return replace(bookmark, left=self._whole())

    def _go_on(self, bookmark: LogBookmark, log: Log, catch_up: CatchUp) -> LogBookmark:
        """Continues a first load, on the server on which it began.

        Another server may be behind the position, and what it lacks is not in the log after that.

        Raises:
            SourceError: Another server answers.
        """
        moment = log.moment()
        if moment.position.server != bookmark.position.server:
            raise SourceError(
                f"its first load started on {bookmark.position.server}, but now "
                f"{moment.position.server} answers",
                table=self.table.name,
                hint=anew(self.table.name),
            )
        return self._first_load(bookmark, moment, log, catch_up)

    def _first_load(
        self, bookmark: LogBookmark, moment: Moment, log: Log, catch_up: CatchUp
    ) -> LogBookmark:
        """Reads the ranges that are left; each file moves its range's start in the bookmark.

        A file is held back until the next one comes, so that the last one tells that all is read.
        If the load takes long, the log is read between two files, before the server removes it.
        """
        retention = log.retention()
        if retention.is_near(bookmark.needed_since):
            bookmark = catch_up(bookmark)
        bookmark = self._read_now(bookmark, moment)
        ranges = [
            Range(self.table.name, (), self._order, after, until) for after, until in bookmark.left
        ]
        limit = self.options.max_rows
        if limit:
            rows = min(self.reading.batch_size, -(-limit // len(ranges)))
            self.reading = replace(self.reading, batch_size=rows)
        self._begin(None, None, self.table.rows)
        # So that the first file's manifest has the bookmark, whichever STATE commits the file.
        self._commit(None, self.identity.write(bookmark))
        left: list[Any] = list(bookmark.left)

        def reached() -> LogBookmark:
            return replace(bookmark, left=tuple(pair for pair in left if pair))

        with HeldBack() as held:
            state = self.identity.write(bookmark)
            for number, file in self._read(ranges):
                if file is None:
                    left[number] = None
                    continue
                held.take(file, partial(self._commit, state=state))
                left[number] = (file.last, ranges[number].until)
                state = self.identity.write(reached())
                if limit and self.rows + file.rows >= limit:
                    break
                if any(left) and retention.is_near(bookmark.needed_since):
                    # Rows that the bookmark calls read are committed first.
                    self._commit(held.give(), state)
                    bookmark = catch_up(reached())
                    state = self.identity.write(bookmark)
                    self._begin(None, None, self.table.rows)
        bookmark = reached()
        if held.file is None:
            self._commit_nothing(self.identity.write(bookmark))
        else:
            self._commit(held.file, self.identity.write(bookmark))
        return bookmark

    def read_keys(self, bookmark: LogBookmark, keys: Sequence[Key], moment: Moment) -> LogBookmark:
        """Reads the rows of keys that have changed, or that are to be read again.

        Args:
            bookmark: The bookmark that these rows make true.
            keys: The keys, including those in the bookmark's ``again``.
            moment: A moment after the bookmark's position.

        Raises:
            TidemarkError: The table cannot be read; what was committed before stays true.
            Stopped: The run is being stopped.
            TableChangedError: The table's definition changed during the read, or another server
                answers.
        """
        bookmark = self._read_now(bookmark, moment)
        self._begin(None, None, len(keys))
        with HeldBack() as held:
            for file in KeyReader(self.reading, self.table).files(keys):
                held.take(file, partial(self._commit, state=None))
        self._commit(held.file, self.identity.write(bookmark))
        return bookmark

    def settle(self, bookmark: LogBookmark) -> None:
        """Commits a bookmark without rows, and announces new columns."""
        bookmark, before = self._with_columns(bookmark), bookmark.columns
        if set(bookmark.columns) == set(before):
            self.output.commit(None, self.identity.write(bookmark))
            return
        self.output.begin(self.moment)
        self._commit_nothing(self.identity.write(bookmark))

    def _with_columns(self, bookmark: LogBookmark) -> LogBookmark:
        """The bookmark with the columns as they are."""
        return replace(bookmark, columns=self._columns, unselected=self._unselected)

    def _read_now(self, bookmark: LogBookmark, moment: Moment) -> LogBookmark:
        """Prepares to read rows at this moment, from its server alone."""
        read_at: datetime = bookmark.next_reading(moment.now)
        converter = replace(self.reading.converter, read_at=read_at)
        source = only(self.reading.source, moment.server)
        self.reading = replace(self.reading, source=source, converter=converter)
        self.moment = read_at.replace(tzinfo=UTC)
        return replace(self._with_columns(bookmark), read_at=read_at, again=())
