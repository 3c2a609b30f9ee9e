"""One query through ConnectorX, as Arrow batches, by a process of its own.

The process fetches while the caller encodes; the caller can stop at any moment, even when the
server says nothing.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
from tidemark_core.errors import SourceError

from tap_mysql.connectorx.pool import Worker, WorkerEndedError
from tap_mysql.connectorx.worker import BATCH, FAILED, SCHEMA
from tap_mysql.source.connection import Source
from tap_mysql.source.error_codes import Cure, cure_of, number_of


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
    _tag: str = field(default_factory=lambda: f"tidemark-{uuid.uuid4().hex}")

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Gives the batches.

        Raises:
            FetchError: The query failed; says what to do.
            Stopped: The run is being stopped.
        """
        worker = self.source.workers.take()
        answered = complete = False
        try:
            yield from self._batches(worker)
            answered = complete = True
        except FetchError:
            answered = True
            raise
        finally:
            if complete:
                self.source.workers.give_back(worker)
            else:
                worker.end()
            if not answered:
                self._kill()

    def _batches(self, worker: Worker) -> Iterator[pa.RecordBatch]:
        schema: pa.Schema | None = None
        try:
            worker.ask(
                {
                    "conn": self.source.url(),
                    "query": f"/* {self._tag} */ {self.query}",
                    "batch_size": self.batch_rows,
                    "pre_execution_query": list(self.source.statements),
                }
            )
            while True:
                if self.stop.is_set():
                    raise Stopped
                kind, part = worker.part(self._deadline())
                if kind == SCHEMA:
                    schema = pa.ipc.read_schema(pa.py_buffer(part))
                elif kind == BATCH and schema is not None:
                    yield pa.ipc.read_record_batch(pa.py_buffer(part), schema)
                elif kind == FAILED:
                    text = part.decode(errors="replace")
                    number = number_of(text)
                    raise FetchError(number, text, cure_of(number, text))
                else:
                    return
        except WorkerEndedError as error:
            # A signal for all of our processes reaches the worker first.
            if self.stop.is_set():
                raise Stopped from None
            text = f"the process that reads ended with exit code {error}; DEBUG=true shows why"
            raise FetchError(0, text, Cure.RETRY) from error

    def _deadline(self) -> Callable[[], None]:
        """What ends the wait for the server's next word."""
        end = time.monotonic() + self.source.timeout

        def waiting() -> None:
            if self.stop.is_set():
                raise Stopped
            if self.source.endpoint.is_down:
                # The driver would try for half a minute to connect to nobody.
                raise FetchError(0, "the tunnel is down", Cure.RETRY)
            if time.monotonic() > end:
                self._kill()
                raise FetchError(3024, f"no row for {self.source.timeout} seconds", Cure.SMALLER)

        return waiting

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
