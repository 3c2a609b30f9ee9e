"""One query as Arrow batches, read ahead by a thread while the caller encodes.

The caller can stop at any moment, even when the server says nothing.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import mysql_arrow
import pyarrow as pa
import pymysql
from mysql_arrow import Change
from tidemark_core.errors import SourceError, TidemarkError

from tap_mysql.source.error_codes import Cure, cure_of, number_in
from tap_mysql.source.session.connection import Source

logger = logging.getLogger("tap-mysql.read")
#: Batches that wait for the caller, besides the one being read and the one in use.
_AHEAD = 2
_POLL_SECONDS = 0.2


class FetchError(Exception):
    """A query ended before its last row.

    Attributes:
        number: MySQL's error number, 0 if unknown.
        text: The driver's words; may quote a value.
        cure: What to do about it.
    """

    def __init__(self, number: int, text: str, cure: Cure) -> None:
        super().__init__(text)
        self.number, self.text, self.cure = number, text, cure


class Stopped(BaseException):
    """The run is being stopped."""


class _LeftError(Exception):
    """The caller no longer wants the rows."""


@dataclass(frozen=True)
class Rows:
    """Some rows of an answer.

    Attributes:
        batch: The rows.
        changes: Values in it that are not what MySQL has.
    """

    batch: pa.RecordBatch
    changes: list[Change]


@dataclass(frozen=True)
class Shape:
    """How an answer is cut.

    Attributes:
        schema: Names and types of its columns.
        batch_rows: Rows of a batch, at most.
        batch_bytes: Bytes of a batch, at most.
        file_rows: A batch ends at every multiple of this many rows; None for anywhere.
    """

    schema: pa.Schema
    batch_rows: int
    batch_bytes: int
    file_rows: int | None = None


@dataclass
class Fetch:
    """A query under way.

    Attributes:
        source: The server.
        query: A SELECT.
        shape: How its answer is cut.
        stop: Set when the run is to be stopped.
    """

    source: Source
    query: str
    shape: Shape
    stop: threading.Event
    _tag: str = field(default_factory=lambda: f"tidemark-{uuid.uuid4().hex}")
    _left: threading.Event = field(default_factory=threading.Event)
    _heard: float = 0.0

    def __iter__(self) -> Iterator[Rows]:
        """Gives the rows.

        Raises:
            FetchError: The query failed; says what to do.
            TidemarkError: The server cannot be reached, or a value does not fit its column's type.
            Stopped: The run is being stopped.
        """
        ahead: queue.Queue[Rows | BaseException | None] = queue.Queue(_AHEAD)
        self._heard = time.monotonic()
        threading.Thread(target=self._read, args=(ahead,), daemon=True, name="read-ahead").start()
        answered = False
        try:
            while (rows := self._next(ahead)) is not None:
                yield rows
            answered = True
        except (FetchError, TidemarkError):
            answered = True
            raise
        finally:
            self._left.set()
            if not answered:
                self._kill()

    def _next(self, ahead: queue.Queue[Rows | BaseException | None]) -> Rows | None:
        while True:
            if self.stop.is_set():
                raise Stopped
            try:
                found = ahead.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                self._check()
                continue
            if isinstance(found, BaseException):
                raise found
            return found

    def _check(self) -> None:
        """Ends a wait for the server that has become useless."""
        if self.source.endpoint.is_down:
            raise FetchError(0, "the tunnel is down", Cure.RETRY)
        if time.monotonic() - self._heard > self.source.timeout:
            self._kill()
            raise FetchError(3024, f"no row for {self.source.timeout} seconds", Cure.SMALLER)

    # -- the thread

    def _read(self, ahead: queue.Queue[Rows | BaseException | None]) -> None:
        try:
            for rows in self._answer():
                self._put(ahead, rows)
            self._put(ahead, None)
        except _LeftError:
            return
        except BaseException as error:  # noqa: BLE001 - raised again by whoever takes the rows
            with suppress(_LeftError):
                self._put(ahead, _told(error))

    def _answer(self) -> Iterator[Rows]:
        shape = self.shape
        with self.source.session() as session:
            result = session.batches(
                f"/* {self._tag} */ {self.query}",
                shape.schema,
                guard=self.source.guard,
                batch_rows=shape.batch_rows,
                batch_bytes=shape.batch_bytes,
                cut_rows=shape.file_rows,
                heard=self._hear,
            )
            for batch in result:
                yield Rows(batch, result.changes)

    def _hear(self, size: int) -> None:
        if self._left.is_set():
            raise _LeftError
        if size:
            self._heard = time.monotonic()

    def _put(
        self, ahead: queue.Queue[Rows | BaseException | None], item: Rows | BaseException | None
    ) -> None:
        while True:
            try:
                ahead.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                self._hear(0)
            else:
                # While the caller was busy, this thread did not read from the server.
                self._hear(1)
                return

    def _kill(self) -> None:
        """Ends the query on the server, which would otherwise keep sending."""
        try:
            with self.source.session() as session:
                found = session.rows(
                    "SELECT id FROM information_schema.processlist "
                    "WHERE info LIKE %s AND id <> CONNECTION_ID()",
                    (f"/* {self._tag} */%",),
                )
                for (connection_id,) in found:
                    session.rows(f"KILL {int(connection_id)}")
        except Exception as error:  # noqa: BLE001 - it is gone already, or the server is
            logger.info("the query could not be killed on the server: %s", error)


def _told(error: BaseException) -> BaseException:
    """An error as the code that reads tables knows it."""
    if isinstance(error, pymysql.err.MySQLError):
        number = number_in(error)
        text = str(error.args[-1]) if error.args else str(error)
        return FetchError(number, text, cure_of(number))
    if isinstance(error, mysql_arrow.ProtocolError):
        return FetchError(0, str(error), Cure.RETRY)
    if isinstance(error, mysql_arrow.UnfitError):
        return _misread("a value that does not fit its column's type", error.column)
    if isinstance(error, mysql_arrow.WrongTypeError):
        return _misread(f"something other than it declares: {error}", None)
    return error


def _misread(what: str, column: str | None) -> SourceError:
    hint = "report this with the table's SHOW CREATE TABLE"
    return SourceError(f"MySQL sent {what}", column=column, hint=hint)
