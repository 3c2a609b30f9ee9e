"""What statements have written to which tables, as SYS_QUERY_HISTORY and its like show it.

A write is kept in memory and put into the catalogue within two seconds, by a session of its own:
the statement does not wait for that, and what is known of it outlives its transaction.

Sources: "SYS_QUERY_HISTORY", "SYS_QUERY_DETAIL", "STL_QUERY", "STL_INSERT", "STL_DELETE" and
"System tables and views reference" (seven days are kept) in the Developer Guide.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

from redshift_stand_in.errors import BackendError
from redshift_stand_in.postgres.backend import Backend, PostgresAddress, open_as_superuser
from redshift_stand_in.sql.lexer import literal

logger = logging.getLogger(__name__)

DELAY = 2.0
_ROWS_A_STATEMENT = 500
_TEXT = 4000
_EXPIRE = (
    "delete from redshift_meta.writes where end_time < "
    "(redshift_hidden.clock_timestamp() at time zone 'UTC') - interval '7 days'; "
)


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that wrote to a table, or failed to.

    Attributes:
        user: who ran it.
        session: number of the server process.
        table: number of the table.
        verb: INSERT, UPDATE, DELETE, MERGE or CTAS.
        text: the statement, or its beginning.
        started: seconds since the epoch.
        ended: likewise.
        rows: how many it wrote; None: not known.
        error: why it failed; empty if it did not.
    """

    user: str
    session: int
    table: int
    verb: str
    text: str
    started: float
    ended: float
    rows: int | None = None
    error: str = ""


@dataclass
class History:
    """The writes of all sessions of a front.

    Attributes:
        address: where PostgreSQL is.
    """

    address: PostgresAddress
    _pending: dict[str, list[Write]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    #: Held while writes are on their way into a catalogue: who reads it waits for them.
    _under_way: threading.Lock = field(default_factory=threading.Lock)
    _timer: threading.Timer | None = None
    _tidied: set[str] = field(default_factory=set)

    def add(self, database: str, writes: list[Write]) -> None:
        """Keeps writes, for the catalogue of their database."""
        with self._lock:
            self._pending.setdefault(database, []).extend(writes)
            if self._timer is None:
                self._timer = threading.Timer(DELAY, self.flush_all)
                self._timer.daemon = True
                self._timer.start()

    def flush(self, database: str) -> None:
        """Puts what is kept of a database into its catalogue, and waits for what is on its way."""
        with self._under_way:
            with self._lock:
                writes = self._pending.pop(database, [])
            if writes:
                self._store(database, writes)

    def flush_all(self) -> None:
        """Puts all that is kept into the catalogues."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._timer = None
            databases = list(self._pending)
        for database in databases:
            self.flush(database)

    def _store(self, database: str, writes: list[Write]) -> None:
        try:
            with contextlib.closing(open_as_superuser(self.address, database)) as backend:
                self._write(backend, database, writes)
        except (OSError, BackendError) as error:
            logger.info("the history of %s is lost: %s", database, error)

    def _write(self, backend: Backend, database: str, writes: list[Write]) -> None:
        if database not in self._tidied:
            self._tidied.add(database)
            backend.query(_EXPIRE)
        for at in range(0, len(writes), _ROWS_A_STATEMENT):
            backend.query(insertion(writes[at : at + _ROWS_A_STATEMENT]))


def insertion(writes: list[Write]) -> str:
    """The statement that puts writes into a catalogue, those that began first in front."""
    rows = ", ".join(map(_row, sorted(writes, key=lambda write: write.started)))
    return f"insert into redshift_meta.writes values {rows}"


def _row(write: Write) -> str:
    rows = "null" if write.rows is None else write.rows
    return (
        "(coalesce((select oid::int from redshift_hidden.pg_roles where rolname = "
        f"{literal(write.user)}), 0), redshift_hidden.nextval('redshift_meta.query_id'), "
        f"{write.session}, {write.table}, {literal(write.verb)}, {_time(write.started)}, "
        f"{_time(write.ended)}, {rows}, {literal(write.error)}, {literal(write.text)})"
    )


def _time(seconds: float) -> str:
    return f"'{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S.%f}'"


@dataclass
class Journal:
    """The writes of the statements that a session is running.

    Attributes:
        history: where they go.
        user: the session's.
        database: likewise.
        error: why the running statement failed; empty as long as it did not.
    """

    history: History
    user: str
    database: str
    error: str = ""
    _open: list[tuple[int, str, str, float]] = field(default_factory=list)
    _rows: int | None = None

    def begin(self, table: int, verb: str, text: str, started: float) -> None:
        """Notes that a statement writes to a table."""
        self._open.append((table, verb, text[:_TEXT], started))

    def count(self, tag: str) -> None:
        """Notes how many rows were written, from the command tag of the only statement."""
        words = tag.split()
        if len(self._open) == 1 and words and words[-1].isdigit():
            self._rows = int(words[-1])

    def end(self, session: int, ended: float, *, ok: bool) -> None:
        """Hands over what has begun; it has succeeded or failed."""
        if self._open:
            error = "" if ok else self.error or "the statement has failed"
            self.history.add(
                self.database,
                [
                    Write(self.user, session, table, verb, text, started, ended, self._rows, error)
                    for table, verb, text, started in self._open
                ],
            )
        self.forget()

    def forget(self) -> None:
        """Begins anew."""
        self._open, self._rows, self.error = [], None, ""
