"""What servers sent of their logs: `tests/mysql_binlog/recorded/<server>.json`.

``python tests/harness/mysql_wire/recorded_log.py SOCKET`` records it again, from the sandbox.
"""

from __future__ import annotations

import base64
import ctypes
import dataclasses
import io
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pymysql
from mysql_binlog import Batch, Column, KeyColumns, Position, current_position, key_columns
from mysql_binlog.changes import taken
from mysql_binlog.history.history import History
from mysql_binlog.history.tables import Tables
from mysql_binlog.rows.charsets import Charsets
from mysql_binlog.wire import stream
from mysql_binlog.wire.packets import Packets, Plain
from mysql_binlog.wire.start import Start

FOLDER = Path(__file__).parents[2] / "mysql_binlog" / "recorded"
_SCRIPT = (
    "CREATE TABLE recorded.a (id BIGINT PRIMARY KEY, v VARCHAR(300), t TEXT, d DATETIME(3), "
    "n DECIMAL(9,2), e ENUM('x','y'), j JSON)",
    "CREATE TABLE recorded.b (v VARCHAR(20), n INT UNSIGNED, d DATE, PRIMARY KEY (d, v))",
    "INSERT INTO recorded.a (id, v, t, n) VALUES (1, 'é', REPEAT('x', 900), 1), (2, NULL, '', 2)",
    "UPDATE recorded.a SET id = id + 10, e = 'y', j = '[1, 2]', d = '2024-02-29 01:02:03.004'",
    "INSERT INTO recorded.b VALUES ('é', 1, '2024-02-29'), ('', 2, '9999-12-31')",
    "BEGIN", "DELETE FROM recorded.a WHERE id = 11", "SAVEPOINT s",
    "UPDATE recorded.b SET v = CONCAT(v, 'x')", "ROLLBACK TO s", "UPDATE recorded.b SET n = 9",
    "COMMIT", "{squeeze}", "INSERT INTO recorded.b VALUES (REPEAT('y', 20), 3, '1000-01-01')",
    "UPDATE recorded.a SET t = REPEAT('long ', 500)", "{plain}", "FLUSH BINARY LOGS",
    "SET SESSION binlog_row_image = 'MINIMAL'", "UPDATE recorded.a SET id = 77, v = 'z'",
    "XA START 'x'", "DELETE FROM recorded.b WHERE n = 3", "XA END 'x'", "XA PREPARE 'x'",
    "XA COMMIT 'x'", "ALTER TABLE recorded.a COMMENT 'c'", "TRUNCATE TABLE recorded.b",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Recorded:
    """What a server sent.

    Attributes:
        start: Where it was asked to begin.
        since: Where the reading begins.
        until: Where it ends.
        tables: The wanted tables.
        packets: All bytes behind the command.
    """

    start: Start
    since: Position
    until: Position
    tables: dict[tuple[str, str], KeyColumns]
    packets: bytes

    def batches(
        self, packets: bytes | None = None, *, plain: bool = True,
        pieces: Iterator[int] | None = None, alone: bool = False,
    ) -> Iterator[Batch]:  # fmt: skip
        """What is read of the packets, or of others in their place.

        Args:
            packets: The others.
            plain: Whether the kernel takes what is plain.
            pieces: How many bytes come at once, each time.
            alone: Whether the kernel gets each packet in memory that ends where it does.
        """
        tables = Tables(self.tables, Charsets(cast("pymysql.Connection[Any]", None)))
        history = History(self.since, self.until, self.start, tables)
        socket = _Socket(self.packets if packets is None else packets, pieces)
        wire = Packets(cast("pymysql.Connection[Any]", socket), 1)
        take = _alone(history.take_plain) if alone else history.take_plain
        for _ in taken(history, stream._events(wire, 1, take if plain else None)):
            pass
        yield history.batch(last=True)


def _alone(plain: Plain) -> Plain:
    def take(data: memoryview, sequence: int, checksums: bool) -> tuple[int, int]:
        size = min(4 + int.from_bytes(data[:3], "little"), len(data))
        own = (ctypes.c_uint8 * size).from_buffer_copy(data)
        return plain(memoryview(own).cast("B"), sequence, checksums)

    return take


class _Socket(io.RawIOBase):
    """A connection that has received bytes, and will receive no more."""

    def __init__(self, data: bytes, pieces: Iterator[int] | None = None) -> None:
        self._data, self._sock, self._pieces = io.BytesIO(data), self, pieces

    def settimeout(self, _: float) -> None:
        """Nothing here takes time."""

    def makefile(self, *_: Any, **__: Any) -> Any:
        return self

    def readinto(self, room: Any) -> int:
        size = len(room) if self._pieces is None else next(self._pieces)
        return self._data.readinto(memoryview(room)[:size])


def load(name: str) -> Recorded:
    """What was recorded of a server."""
    data = json.loads((FOLDER / f"{name}.json").read_text())
    tables = {
        (schema, table): KeyColumns(tuple(names), tuple(Column(*column) for column in columns))
        for schema, table, names, columns in data["tables"]
    }
    since, until = (Position.from_json(data[end]) for end in ("since", "until"))
    return Recorded(Start(**data["start"]), since, until, tables, base64.b64decode(data["packets"]))


def _record(socket: str) -> None:
    def connect() -> pymysql.Connection[Any]:
        return pymysql.connect(unix_socket=socket, user="root", charset="utf8mb4", autocommit=True)

    seen: list[bytes] = []
    exactly = Packets.exactly

    def watched(packets: Packets, size: int) -> bytes:
        seen.append(exactly(packets, size))
        return seen[-1]

    with (
        mock.patch.object(Packets, "exactly", watched),
        closing(connect()) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("DROP DATABASE IF EXISTS recorded")
        cursor.execute("CREATE DATABASE recorded CHARACTER SET utf8mb4")
        cursor.execute("FLUSH BINARY LOGS")
        since = current_position(connection)
        mysql = since.flavor == "mysql"
        squeeze = "SET {} = {}"
        name = "SESSION binlog_transaction_compression" if mysql else "GLOBAL log_bin_compress"
        for statement in _SCRIPT:
            words = {"squeeze": squeeze.format(name, 1), "plain": squeeze.format(name, 0)}
            cursor.execute(statement.format(**words) if statement.startswith("{") else statement)
            if "recorded.b (" in statement:
                keys = {("recorded", t): key_columns(connection, ("recorded", t)) for t in "ab"}
        until = current_position(connection)
        cursor.execute("DROP DATABASE recorded")
    start = Start(since.file, since.offset)
    flavor = since.flavor
    for _ in stream.dump(connect(), flavor, start, server_id=9, stall_seconds=9):
        pass
    tables = [
        [schema, table, key.names, [dataclasses.astuple(column) for column in key.columns]]
        for (schema, table), key in keys.items()
    ]
    found = {
        "start": dataclasses.asdict(start),
        "since": since.to_json() | {"server": "recorded"},
        "until": until.to_json() | {"server": "recorded"},
        "tables": tables, "packets": base64.b64encode(b"".join(seen)).decode(),
    }  # fmt: skip
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{since.flavor}.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    _record(sys.argv[1])
