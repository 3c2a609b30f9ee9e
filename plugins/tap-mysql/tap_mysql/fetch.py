"""One query through ConnectorX, as Arrow batches, in a thread of its own.

The thread fetches while the caller encodes; the caller can stop at any moment, even when the
server says nothing.
"""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import connectorx
import pyarrow as pa
from tidemark_core.errors import SourceError

from tap_mysql.connection import SESSION, Source
from tap_mysql.errors import Cure, cure_of, number_of

#: Batches that wait for the caller.
_AHEAD = 1
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


@dataclass
class Fetch:
    """A query under way.

    Attributes:
        source: The server.
        query: A SELECT.
        batch_rows: Rows of a batch, at most.
        stop: Set when the run is to be stopped.
    """

    source: Source
    query: str
    batch_rows: int
    stop: threading.Event
    _batches: queue.Queue[pa.RecordBatch | BaseException | None] = field(
        default_factory=lambda: queue.Queue(_AHEAD)
    )
    _given_up: threading.Event = field(default_factory=threading.Event)
    _tag: str = field(default_factory=lambda: f"tidemark-{uuid.uuid4().hex}")

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Gives the batches.

        Raises:
            FetchError: The query failed; says what to do.
            Stopped: The run is being stopped.
        """
        threading.Thread(target=self._fetch, daemon=True, name="fetch").start()
        ended = False
        try:
            while (batch := self._next()) is not None:
                yield batch
            ended = True
        except FetchError:
            ended = True
            raise
        finally:
            self._given_up.set()
            if not ended:
                self._kill()

    def _next(self) -> pa.RecordBatch | None:
        deadline = time.monotonic() + self.source.timeout
        while True:
            if self.stop.is_set():
                raise Stopped
            try:
                item = self._batches.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if time.monotonic() > deadline:
                    self._kill()
                    raise FetchError(
                        3024, f"no row for {self.source.timeout} seconds", Cure.SMALLER
                    ) from None
                continue
            if isinstance(item, BaseException):
                text = str(item)
                number = number_of(text)
                raise FetchError(number, text, cure_of(number, text)) from None
            return item

    def _fetch(self) -> None:
        # ConnectorX's panics are BaseExceptions; whatever it is, the caller must learn of it.
        last: BaseException | None = None
        try:
            reader = connectorx.read_sql(
                self.source.url(),
                f"/* {self._tag} */ {self.query}",
                return_type="arrow_stream",
                batch_size=self.batch_rows,
                pre_execution_query=list(SESSION),
            )
            for batch in reader:
                if not self._put(batch):
                    return
        except BaseException as error:
            last = error
        self._put(last)

    def _put(self, item: pa.RecordBatch | BaseException | None) -> bool:
        while not self._given_up.is_set():
            try:
                self._batches.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def _kill(self) -> None:
        """Ends the query on the server, which would otherwise send to nobody."""
        try:
            with self.source.session() as session:
                found = session.rows(
                    "SELECT id FROM information_schema.processlist "
                    "WHERE info LIKE %s AND id <> CONNECTION_ID()",
                    (f"/* {self._tag} */%",),
                )
                for (connection_id,) in found:
                    session.rows(f"KILL {int(connection_id)}")
        except SourceError:
            # It is gone already, or the server is: there is nothing left to end.
            return
        except Exception:
            return
