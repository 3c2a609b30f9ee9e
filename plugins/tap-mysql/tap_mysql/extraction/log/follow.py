"""Changes in tables since their bookmarks: reads the log, then the rows with its keys."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pymysql
from mysql_binlog import Batch, BinlogError, GapError, KeyColumns, Position
from tidemark_core.errors import SourceError, TidemarkError
from tidemark_core.names import TableName
from tidemark_core.retry import pause

from tap_mysql.binlog.bookmark import LogBookmark
from tap_mysql.binlog.errors import anew, changed_as_a_whole, unreadable
from tap_mysql.binlog.log import Log, Moment
from tap_mysql.binlog.segments import Segment, segments
from tap_mysql.extraction.log.member import Member, Members
from tap_mysql.source.arrow_query import Stopped
from tap_mysql.source.error_codes import TableChangedError

logger = logging.getLogger("tap-mysql.log")
#: Changed keys held in memory, for all tables together, before their rows are read.
_KEYS = 200_000


@dataclass
class Follower:
    """Reads the changes of tables from the log.

    Attributes:
        log: The server's.
        members: Works on several tables.
        attempts: Maximum attempts to read the log without progress.
        stop: Set when the run is to be stopped.
    """

    log: Log
    members: Members
    attempts: int
    stop: threading.Event
    #: One read of the log at a time: a server ends the other one with the same server id.
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def catch_up(self, member: Member, bookmark: LogBookmark) -> LogBookmark:
        """Moves the bookmark of a table to the log's end, while rows of its first load are left.

        Changed rows are read wherever they lie, even in ranges that the first load has yet to read:
        only the server's collations tell which of two keys is greater, and a row may come twice.

        Raises:
            TidemarkError: The log, or the changed rows, cannot be read; the bookmark stays.
        """
        moment, member.bookmark = self.log.moment(), bookmark
        logger.info(
            "%s: changes since %s are read before more of the table",
            member.table, bookmark.position, extra={"table": str(member.table)},
        )  # fmt: skip
        with self._lock:
            self.follow([member])
        if member.error is not None:
            raise member.error
        if member.bookmark.position.order >= moment.position.order:
            return replace(member.bookmark, placed_at=moment.now)
        return member.bookmark  # held back by a prepared XA transaction

    def follow(self, members: Sequence[Member]) -> None:
        """Reads the log up to its current end, and the rows that have changed."""
        until = self.log.moment().position
        bookmarks = {m.table: m.bookmark.position for m in members if m.bookmark is not None}
        # Asked after the end: a later ALTER shows in the columns, an earlier one is in the log.
        columns = self.log.columns(
            {m.table: m.extraction.identity.key for m in members if m.extraction is not None}
        )
        for member in members:
            if member.table not in columns:
                member.fail(
                    SourceError(
                        "the table or its primary key no longer exists",
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
        for member in members:
            if member.extraction is not None and member.bookmark is not None:
                # Only at the end: the log may have held the ALTER that led to these shapes.
                shapes = member.extraction.shapes
                member.bookmark = replace(member.bookmark, shapes=shapes)
        self._flush(members, until.server)

    def _read(
        self, segment: Segment, members: list[Member], columns: Mapping[TableName, KeyColumns]
    ) -> Position:
        """Reads a part of the log; what cannot be read fails the tables that need it.

        Returns:
            The position reached: its end, or one before an XA transaction prepared and not ended.
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
                logger.warning("reading the log again from %s: %s", since, error)
            if self.stop.wait(pause(failures)):
                raise Stopped
        return segment.until

    def _take(self, batch: Batch, members: Collection[Member]) -> None:
        named = {(member.table.schema, member.table.table): member for member in members}
        for statement in batch.statements:
            member = named[statement.table]
            error = changed_as_a_whole(statement, member.table)
            if error is None and member.extraction is not None and member.bookmark is not None:
                error = member.extraction.tells_all(statement, member.bookmark)
                member.bookmark = member.extraction.after(statement, member.bookmark)
            if error is not None:
                member.fail(error)
        for table, keys in batch.keys.items():
            if named[table].error is None:
                named[table].keys.update(dict.fromkeys(keys))
        if sum(len(member.keys) for member in members) >= _KEYS:
            self._reached(members, batch.position)
            self._flush(members, batch.position.server)

    def _reached(self, members: Iterable[Member], position: Position) -> None:
        for member in members:
            if member.error is None and member.bookmark is not None:
                member.bookmark = replace(member.bookmark, position=position)

    def _flush(self, members: Collection[Member], server: str) -> None:
        """Reads the rows of the pending keys, and commits the bookmarks.

        Args:
            members: The tables.
            server: The server from whose log the keys come.

        Raises:
            SourceError: Another server answers, which may be behind.
        """
        moment = self.log.moment()
        if moment.position.server != server:
            raise SourceError(
                f"the log was read from {server}, but now {moment.position.server} answers",
                hint="set DB_HOST to a single server, not a load balancer; then run it again",
            )

        def read(member: Member) -> None:
            self._flush_one(member, moment)

        self.members.each([member for member in members if member.error is None], read)

    def _flush_one(self, member: Member, moment: Moment) -> None:
        extraction, bookmark = member.extraction, member.bookmark
        if extraction is None or bookmark is None:
            return
        if not member.keys:
            extraction.settle(bookmark)
            return
        try:
            member.bookmark = extraction.read_keys(bookmark, list(member.keys), moment)
        except TableChangedError as error:
            raise changed(error, member.table) from error
        member.keys = {}


def changed(error: TableChangedError, table: TableName) -> SourceError:
    """The error of a table whose definition changed during the read."""
    return SourceError(f"it changed while it was being read: {error}", table=table, hint=error.hint)


def _told(error: Exception, table: TableName) -> TidemarkError:
    if isinstance(error, BinlogError):
        return unreadable(error, table)
    if isinstance(error, TidemarkError):
        return copy.copy(error)
    return SourceError(f"the server's log could not be read: {error}", table=table, retryable=True)
