"""Reads a log: events in, batches of changed keys out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

import pymysql

from mysql_binlog.errors import NONSENSE, AnotherServer, BinlogError, DamagedLog
from mysql_binlog.events.event import Event
from mysql_binlog.history.history import History
from mysql_binlog.history.tables import Tables
from mysql_binlog.model import Batch, KeyColumns, Table
from mysql_binlog.position import Position
from mysql_binlog.rows.charsets import Charsets
from mysql_binlog.server import GRACE_SECONDS, Server
from mysql_binlog.wire.start import ask, choose
from mysql_binlog.wire.stream import dump

Connect = Callable[[], "pymysql.Connection[Any]"]


def read_changes(
    connect: Connect,
    since: Position,
    until: Position,
    tables: Mapping[Table, KeyColumns],
    *,
    server_id: int,
    stall_seconds: float = 30,
    batch_keys: int = 100_000,
) -> Iterator[Batch]:
    """Reads which keys changed between two positions, in batches.

    Each batch ends where a transaction does; of a transaction with more keys than a batch holds
    there are several, and their position is where it began. The last batch's position is
    ``until``, unless an XA transaction is prepared and not ended: then it is before that one.
    Memory is bounded by ``batch_keys``, whatever the size of a transaction, an event or a row.

    Args:
        connect: Opens a connection to the server, in utf8mb4; its errors propagate. Two are opened,
            and closed at the end.
        since: Where to begin.
        until: Where to end: `current_position` of the same server, asked for before this.
        tables: The wanted tables and their keys, as `key_columns` gives them.
        server_id: The reader's own id among the server's replicas, not 0.
        stall_seconds: How long the server may say nothing.
        batch_keys: Keys per batch; an eighth more, and those of one event, may be in it too.

    Raises:
        GapError: Changes between the positions are not available; it is unknown which.
        RefusedRead: A right is missing, or there is no log.
        StalledStream: The server has said nothing for too long.
        DamagedLog: What came is not what the server wrote.
        pymysql.err.MySQLError: The connection is lost.
    """
    try:
        with closing(connect()) as connection:
            yield from _read(
                connection, connect, since, until, tables, server_id, stall_seconds, batch_keys
            )
    except BinlogError as error:
        raise error.between(since, until) from error.__cause__


def _read(
    connection: pymysql.Connection[Any], connect: Connect, since: Position, until: Position,
    tables: Mapping[Table, KeyColumns], server_id: int, stall_seconds: float, batch_keys: int,
) -> Iterator[Batch]:  # fmt: skip
    server = Server(connection)
    if since.flavor != server.flavor:
        raise AnotherServer(f"the position is of a {since.flavor} server")
    start = choose(ask(server, since), since, until)
    if not server.has_gtids:
        time.sleep(GRACE_SECONDS)
    fold = str.lower if str(server.value("@@GLOBAL.lower_case_table_names")) != "0" else str
    found = Tables(tables, Charsets(connection), fold)
    history = History(since, until, start, found, fold, batch_keys)
    if start.gtid is None and since.order == until.order:
        yield Batch(since, {})
        return
    give = _Settled(server, history, stall_seconds)
    dumping = connect()
    _require_same(dumping, server)
    with closing(
        dump(dumping, server.flavor, start, history.take_plain, server_id=server_id,
             stall_seconds=stall_seconds)
    ) as events:  # fmt: skip
        for _ in taken(history, events):
            if history.count >= batch_keys:
                yield give()
    yield give(last=True)


def taken(history: History, events: Iterable[Event | None]) -> Iterator[None]:
    """Reads events up to the end, and pauses where a batch may be given."""
    for event in events:
        if event is not None:
            yield from _taken(history, event)
        yield
        if history.is_over:
            return


def _taken(history: History, event: Event) -> Iterator[None]:
    """Reads an event; what Python raises for nonsense becomes `DamagedLog`."""
    try:
        pauses = history.take(event)
        if pauses is not None:
            yield from pauses
    except BinlogError:
        raise
    except NONSENSE as error:
        raise DamagedLog(f"an event of type {event.code} cannot be read: {error!r}") from error


def _require_same(connection: pymysql.Connection[Any], server: Server) -> None:
    found = Server(connection).identity
    if found != server.identity:
        connection.close()
        raise AnotherServer(
            f"two connections reached two different servers, {server.identity} and {found}"
        )


class _Settled:
    """Returns batches once their changes are committed."""

    def __init__(self, server: Server, history: History, seconds: float) -> None:
        self._server, self._history, self._seconds = server, history, seconds

    def __call__(self, *, last: bool = False) -> Batch:
        here = self._history.here
        batch = self._history.batch(last=last)
        if batch.keys or batch.statements:
            self._server.settle(here, self._history.taken_gtids(), self._seconds)
        return batch
