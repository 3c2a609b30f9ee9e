"""A run over the tables that are read by the server's log: one reading of it for all of them."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import pymysql
from mysql_binlog import Batch, BinlogError, GapError, KeyColumns, Position
from tidemark_core.errors import SourceError, TidemarkError
from tidemark_core.names import TableName
from tidemark_singer.failures import of_table

from tap_mysql.binlog.bookmark import LogBookmark
from tap_mysql.binlog.errors import anew, changed_as_a_whole, refused, unreadable
from tap_mysql.binlog.log import Log, Moment
from tap_mysql.binlog.segments import Segment, segments
from tap_mysql.extraction import telemetry
from tap_mysql.extraction.log_table import LogExtraction
from tap_mysql.extraction.parallel import together
from tap_mysql.extraction.run import Outcome, tell
from tap_mysql.query.sql import Key
from tap_mysql.source.arrow_query import Stopped
from tap_mysql.source.error_codes import TableChangedError
from tap_mysql.source.retry import pause

logger = logging.getLogger("tap-mysql.log")
#: Changed keys in memory, of all tables together; then their rows are read.
_KEYS = 200_000
#: Times that a table is looked at again because an ALTER or a failover came in between.
_REDISCOVERIES = 3


class LogJob(Protocol):
    """One table of a run."""

    @property
    def table(self) -> TableName:
        """The table."""

    def prepare_log(self, *, again: bool) -> LogExtraction:
        """Makes the extraction; ``again``: after looking at the table anew."""

    def bookmark(self) -> object:
        """The stream's entry in the state."""


@dataclass
class _Member:
    """A table on its way through the run.

    Attributes:
        job: The table.
        before: Its bookmark when the run began.
        began: When.
        extraction: Reads it; None: it could not even be looked at.
        bookmark: What has been read of it.
        keys: Keys that have changed and are still to be read.
        error: Why it failed.
    """

    job: LogJob
    before: object
    began: float
    extraction: LogExtraction | None = None
    bookmark: LogBookmark | None = None
    keys: dict[Key, None] = field(default_factory=dict)
    error: TidemarkError | None = None

    @property
    def table(self) -> TableName:
        return self.job.table

    @property
    def is_read(self) -> bool:
        """Whether the log is read for it: it has not failed, and its first load is done."""
        return self.error is None and self.bookmark is not None and not self.bookmark.left

    def fail(self, error: TidemarkError) -> None:
        """Stops the table alone; its bookmark stays where it was."""
        if self.error is None:
            self.error, self.keys = error, {}
            tell(self.table, error)


@dataclass
class LogRun:
    """Reads the tables.

    Attributes:
        log: The server's.
        workers: Tables read at the same time.
        attempts: Tries to read the log without progress.
        stop: Set when the run is to be stopped.
    """

    log: Log
    workers: int
    attempts: int
    stop: threading.Event

    def run(self, jobs: Sequence[LogJob]) -> list[Outcome]:
        """Reads what has changed in each table.

        Raises:
            Stopped: ``stop`` was set.
        """
        if not jobs:
            return []
        members = [_Member(job, copy.deepcopy(job.bookmark()), time.monotonic()) for job in jobs]
        for member in members:
            telemetry.table_started(member.table)
        self._guard(members, lambda: self._refuse_without_log(members))
        self._each(members, self._first_load)
        read = [member for member in members if member.is_read]
        self._guard(read, lambda: self._follow(read))
        return [self._ended(member) for member in members]

    def _refuse_without_log(self, members: Sequence[_Member]) -> None:
        for problem in self.log.problems():
            if problem.fatal:
                for member in members:
                    member.fail(refused(problem, member.table))
            else:
                logger.warning(
                    "the server's log: %s is %s, and should be %s: %s",
                    problem.setting, problem.found, problem.wanted, problem.statement,
                )  # fmt: skip
        for table, parents in self.log.cascades(member.table for member in members).items():
            logger.warning(
                "%s: rows that a change of %s deletes or changes (foreign key with CASCADE or SET "
                "NULL) are not in the server's log; in cron, tidemark reconcile -t %s --yes",
                table, ", ".join(map(str, parents)), table, extra={"table": str(table)},
            )  # fmt: skip

    # -- first loads

    def _first_load(self, member: _Member) -> None:
        for attempt in range(_REDISCOVERIES + 1):
            member.extraction = member.job.prepare_log(again=attempt > 0)
            telemetry.table_validated(member.table)
            try:
                member.bookmark = member.extraction.begin(member.job.bookmark(), self.log)
            except TableChangedError as error:
                if attempt == _REDISCOVERIES:
                    raise _changed(error, member.table) from error
                logger.warning("%s is looked at again: %s", member.table, error)
            else:
                member.keys.update(dict.fromkeys(member.bookmark.again))
                return

    # -- the log

    def _follow(self, members: Sequence[_Member]) -> None:
        """Reads the log up to its end of now, and the rows that have changed."""
        until = self.log.moment().position
        bookmarks = {m.table: m.bookmark.position for m in members if m.bookmark is not None}
        # Behind the end, so that an ALTER of later shows, and one of earlier is in the log.
        columns = self.log.columns(
            {m.table: m.extraction.identity.key for m in members if m.extraction is not None}
        )
        for member in members:
            if member.table not in columns:
                member.fail(
                    SourceError(
                        "the table is gone, or its primary key",
                        table=member.table,
                        hint=anew(member.table),
                    )
                )
        waits: Position | None = None
        for segment in segments(bookmarks, until):
            if waits is not None and segment.since.server == until.server:
                segment = replace(segment, since=waits)
            wanted = [m for m in members if m.table in segment.tables and m.error is None]
            reached = self._read(segment, wanted, columns)
            waits = reached if reached.order < segment.until.order else None
        self._flush(members, until.server)

    def _read(
        self, segment: Segment, members: list[_Member], columns: Mapping[TableName, KeyColumns]
    ) -> Position:
        """Reads a part of the log; what cannot be read fails the tables that need it.

        Returns:
            How far: to its end, or to an XA transaction that is prepared and not yet ended.
        """
        failures, since = 0, segment.since
        while alive := [member for member in members if member.error is None]:
            wanted = {member.table: columns[member.table] for member in alive}
            reached = segment.until
            try:
                for batch in self.log.changes(since, segment.until, wanted):
                    if self.stop.is_set():
                        raise Stopped
                    failures = failures if batch.position == since else 0
                    since = reached = batch.position
                    self._take(batch, alive)
                self._reached(alive, reached)
                return reached
            except (BinlogError, TidemarkError, pymysql.err.MySQLError, OSError) as error:
                failures += 1
                if isinstance(error, GapError) or failures >= self.attempts:
                    for member in alive:
                        member.fail(_told(error, member.table))
                    return segment.until
                logger.warning("the log is read again from %s: %s", since, error)
            if self.stop.wait(pause(failures)):
                raise Stopped
        return segment.until

    def _take(self, batch: Batch, members: Collection[_Member]) -> None:
        named = {(member.table.schema, member.table.table): member for member in members}
        for statement in batch.statements:
            member = named[statement.table]
            error = changed_as_a_whole(statement, member.table)
            if error is not None:
                member.fail(error)
        for table, keys in batch.keys.items():
            if named[table].error is None:
                named[table].keys.update(dict.fromkeys(keys))
        if sum(len(member.keys) for member in members) >= _KEYS:
            self._reached(members, batch.position)
            self._flush(members, batch.position.server)

    def _reached(self, members: Iterable[_Member], position: Position) -> None:
        for member in members:
            if member.error is None and member.bookmark is not None:
                member.bookmark = replace(member.bookmark, position=position)

    # -- rows

    def _flush(self, members: Collection[_Member], server: str) -> None:
        """Reads the rows of the keys that wait, and tells the bookmarks.

        Args:
            members: The tables.
            server: Whose log has told the keys.

        Raises:
            SourceError: Another server answers, which may be behind.
        """
        moment = self.log.moment()
        if moment.position.server != server:
            raise SourceError(
                f"the log was that of {server}, and now {moment.position.server} answers",
                hint="set DB_HOST to one server: not to a balancer; then run it again",
            )

        def read(member: _Member) -> None:
            self._flush_one(member, moment)

        self._each([member for member in members if member.error is None], read)

    def _flush_one(self, member: _Member, moment: Moment) -> None:
        extraction, bookmark = member.extraction, member.bookmark
        if extraction is None or bookmark is None:
            return
        if not member.keys:
            extraction.settle(bookmark)
            return
        try:
            member.bookmark = extraction.read_keys(bookmark, list(member.keys), moment)
        except TableChangedError as error:
            raise _changed(error, member.table) from error
        member.keys = {}

    # -- each table by itself

    def _each(self, members: Sequence[_Member], work: Callable[[_Member], None]) -> None:
        def one(member: _Member) -> Iterator[None]:
            if self.stop.is_set():
                raise Stopped
            self._guard([member], lambda: work(member))
            yield None

        for _ in together([m for m in members if m.error is None], self.workers, one):
            pass

    def _guard(self, members: Sequence[_Member], work: Callable[[], None]) -> None:
        """Works; what goes wrong fails the tables that it was for."""
        try:
            work()
        except TidemarkError as error:
            for member in members:
                member.fail(copy.copy(error))
        except Exception as error:
            logger.debug("%s", [str(member.table) for member in members], exc_info=True)
            for member in members:
                member.fail(of_table(error, member.table))

    def _ended(self, member: _Member) -> Outcome:
        extraction = member.extraction
        if extraction is not None:
            extraction.reading.meter.end()
        rows = extraction.rows if extraction else 0
        done = Outcome(member.table, rows, time.monotonic() - member.began, member.error)
        telemetry.table_ended(done, member.before, member.job.bookmark())
        if member.error is None:
            details = {
                "table": str(done.table),
                "rows": done.rows,
                "seconds": round(done.seconds, 3),
            }
            logger.info("%s: %d rows by the log", done.table, done.rows, extra=details)
        return done


def _changed(error: TableChangedError, table: TableName) -> SourceError:
    return SourceError(f"it changed while it was read: {error}", table=table, hint=error.hint)


def _told(error: Exception, table: TableName) -> TidemarkError:
    if isinstance(error, BinlogError):
        return unreadable(error, table)
    if isinstance(error, TidemarkError):
        return copy.copy(error)
    return SourceError(f"the server's log could not be read: {error}", table=table, retryable=True)
