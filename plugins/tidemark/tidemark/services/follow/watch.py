"""Looks at the server's log every second: which tables have changed, and since when."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

import pymysql
from mysql_binlog import BinlogError, KeyColumns, Position
from tap_mysql.binlog.log import Log, end_of_log
from tap_mysql.source.session.connection import Session
from tap_mysql.source.settings import MySQLSettings
from tidemark_core.errors import TidemarkError
from tidemark_core.names import TableName

from tidemark.services.follow.lag import Lags
from tidemark.source.mysql import open_source

logger = logging.getLogger("tidemark.follow")
_SECONDS = 1.0
#: The longest time until the next connection is tried, in seconds.
_LONGEST = 60.0
#: Seconds without an answer after which the connection is given up.
_TIMEOUT = 60

Keys = Mapping[TableName, tuple[str, ...]]


class LogWatch:
    """Reads the log in a thread beside the rounds; it keeps no row and no key.

    Args:
        settings: How MySQL is reached.
        lags: Takes what has changed.
        clock: The clock by which times are reported.

    Attributes:
        blind: Why it is unknown what is new; None if it is known.
    """

    def __init__(
        self, settings: MySQLSettings, lags: Lags, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.blind: str | None = "the log has not been checked yet"
        self._settings, self._lags, self._clock = settings, lags, clock
        self._keys: Keys = {}
        self._stop = threading.Event()
        # Lives as long as the tunnel that it opens: what a thread has started ends with the thread.
        self._thread = threading.Thread(target=self._run, name="log watch", daemon=True)

    def watch(self, keys: Keys) -> None:
        """Sets the tables to look for, with the columns of their keys."""
        self._keys = dict(keys)
        if not self._thread.is_alive() and not self._stop.is_set():
            self._thread.start()

    def end(self) -> None:
        """Ends the thread, and closes its connection to MySQL."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_TIMEOUT)

    def _run(self) -> None:
        failures, eyes = 0, _Eyes(self._lags, self._clock)
        while not self._stop.is_set():
            try:
                with open_source(self._settings, timeout=_TIMEOUT) as source:
                    log = Log(source)
                    with source.session() as session:
                        while not self._stop.is_set():
                            eyes.look(log, session, self._keys)
                            self.blind, failures = None, 0
                            self._stop.wait(_SECONDS)
            except (TidemarkError, BinlogError, pymysql.err.MySQLError, OSError) as error:
                failures += 1
                self.blind = str(error)
                logger.warning("cannot check the server's log: %s", error)
                # What fails again at the same place is skipped; what was in it stays unknown.
                eyes.blink(forget=failures > 1)
                self._stop.wait(min(2.0**failures, _LONGEST))


class _Eyes:
    """One look after the other."""

    def __init__(self, lags: Lags, clock: Callable[[], float]) -> None:
        self._lags, self._clock = lags, clock
        #: Up to where the log was looked at, and when that look began; None: nowhere yet.
        self._last: Position | None = None
        self._since: float | None = None
        #: What is looked for; None: to be asked for again.
        self._keys: Keys | None = None
        self._columns: dict[TableName, KeyColumns] = {}

    def blink(self, *, forget: bool) -> None:
        """Makes the next look start over, with the tables as they are then.

        Args:
            forget: Whether it begins at the log's end, as the first one does.
        """
        self._keys = None
        if forget:
            self._last = self._since = None

    def look(self, log: Log, session: Session, keys: Keys) -> None:
        begun = self._clock()
        end = end_of_log(session)
        self._lags.answers(end)
        if keys != self._keys:
            self._keys, self._columns = keys, log.columns(keys)
            # A table that is gone, or without its key now: its own backup says what is wrong.
            self._changed(set(keys) - set(self._columns), end)
        if self._last is None:
            self._changed(set(keys), end)
            self._last = end
        elif end.order != self._last.order or end.server != self._last.server:
            self._read(log, end)
        self._since = begun

    def _read(self, log: Log, end: Position) -> None:
        assert self._last is not None  # noqa: S101 - asked for behind a first look only
        changed, reached = set[TableName](), end
        for batch in log.changes(self._last, end, self._columns):
            changed |= {TableName(*name) for name in batch.keys}
            if batch.statements:
                changed |= {TableName(*statement.table) for statement in batch.statements}
                self._keys = None
            reached = batch.position
        self._changed(changed, end)
        self._last = reached

    def _changed(self, tables: set[TableName], end: Position) -> None:
        if tables:
            self._lags.changed(tables, end, self._since)
