"""Writes logs as servers write them, event by event, for what no server can be made to do."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import zstandard
from mysql_binlog import Column, KeyColumns, Position
from mysql_binlog.events.codes import HEADER, Code
from mysql_binlog.position import Flavor
from mysql_binlog.rows.table_map import Type
from mysql_binlog.wire.start import Start

from mysql_wire.recorded_log import Recorded

FILE = "log.000001"
SERVER = "3e11fa47-71ca-11e1-9e33-c80aa942956{}"
#: Which transactions come before.
BEFORE = {"mysql": f"{SERVER.format(1)}:1-9", "mariadb": "0-1-9"}
#: Of each kind of column its type in the log, what the log says of it, and information_schema's.
KINDS = {
    "int": (Type.LONG, b"", "int"),
    "big": (Type.LONGLONG, b"", "bigint"),
    "small": (Type.SHORT, b"", "smallint"),
    "text": (Type.VARCHAR, b"\xff\0", "varchar"),
    "long": (Type.VARCHAR, b"\0\x04", "varchar"),
    "blob": (Type.BLOB, b"\3", "mediumblob"),
    "double": (Type.DOUBLE, b"\x08", "double"),
}
_PREFIX = {"text": 1, "long": 2, "blob": 3}
_STRUCT = {"int": "<i", "big": "<q", "small": "<h", "double": "<d"}


@dataclass(frozen=True)
class Made:
    """A table whose rows are written.

    Attributes:
        name: Its name; its schema is ``made``.
        kinds: Its columns, by `KINDS`.
        key: Places of its key's columns, in the key's order.
        number: As its rows name it.
        wanted: Whether its keys are asked for.
    """

    name: str
    kinds: tuple[str, ...]
    key: tuple[int, ...]
    number: int
    wanted: bool = True

    @property
    def key_columns(self) -> KeyColumns:
        types = [KINDS[kind][2] for kind in self.kinds]
        columns = tuple(Column(f"c{n}", name, name) for n, name in enumerate(types))
        return KeyColumns(tuple(f"c{n}" for n in self.key), columns)

    def map(self) -> bytes:
        """The body of its TABLE_MAP_EVENT."""
        meta = b"".join(KINDS[kind][1] for kind in self.kinds)
        count = len(self.kinds)
        return b"".join(
            (self.number.to_bytes(6, "little"), b"\1\0", _named("made"), _named(self.name),
             packed(count), bytes(KINDS[kind][0] for kind in self.kinds), packed(len(meta)), meta,
             bytes((count + 7) // 8))
        )  # fmt: skip

    def rows(
        self, images: Iterable[Sequence[Sequence[object]]], present: Sequence[Sequence[int]],
        *, second: bool = True, extra: bytes = b"", squeezed: bool = False,
    ) -> bytes:  # fmt: skip
        """The body of a rows event.

        Args:
            images: Of each row its images, each the values of all columns.
            present: Of each image the columns that are in it.
            second: Whether the event has further bytes, as those since MySQL 5.6 can.
            extra: They.
            squeezed: Whether the rows are compressed, as MariaDB does it.
        """
        parts = [self.number.to_bytes(6, "little"), b"\1\0"]
        parts += [(2 + len(extra)).to_bytes(2, "little"), extra] if second else []
        parts += [packed(len(self.kinds)), *(_bits(there, len(self.kinds)) for there in present)]
        rows = b"".join(
            self._image([(self.kinds[at], values[at]) for at in there])
            for row in images
            for values, there in zip(row, present, strict=True)
        )
        if squeezed:
            rows = b"\x84" + len(rows).to_bytes(4, "big") + zlib.compress(rows)
        return b"".join([*parts, rows])

    def _image(self, values: Sequence[tuple[str, object]]) -> bytes:
        nulls = [at for at, (_, value) in enumerate(values) if value is None]
        return _bits(nulls, len(values)) + b"".join(
            _value(kind, value) for kind, value in values if value is not None
        )


def _value(kind: str, value: object) -> bytes:
    if kind in _STRUCT:
        return struct.pack(_STRUCT[kind], value)
    data = value.encode() if isinstance(value, str) else value
    assert isinstance(data, bytes)
    return len(data).to_bytes(_PREFIX[kind], "little") + data


def _bits(places: Iterable[int], count: int) -> bytes:
    return sum(1 << place for place in places).to_bytes((count + 7) // 8, "little")


def _named(name: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\0"


def packed(number: int) -> bytes:
    """A number as the protocol packs lengths."""
    if number < 251:
        return bytes([number])
    wide = number >= 2**16
    return (b"\xfd" if wide else b"\xfc") + number.to_bytes(2 + wide, "little")


def varlen(number: int) -> bytes:
    """A number whose first byte's lowest bits say how many bytes follow."""
    more = next(n for n in range(9) if n == 8 or number < 2 ** (7 * (n + 1)))
    if more == 8:
        return b"\xff" + number.to_bytes(8, "little")
    first = (number % 2 ** (7 - more)) << (more + 1) | 2**more - 1
    return bytes([first]) + (number >> (7 - more)).to_bytes(more, "little")


@dataclass
class Writer:
    """A log.

    Attributes:
        mysql: Whose.
        checksums: Whether its events have them.
        server: Where its transactions began, 1 to 9.
        offset: Where the next event begins.
        events: With their OK bytes.
        inner: Of a compressed transaction its events, until they are written.
    """

    mysql: bool = True
    checksums: bool = True
    server: int = 1
    offset: int = 4
    events: list[bytes] = field(default_factory=list)
    inner: list[bytes] | None = None

    def __post_init__(self) -> None:
        lengths = bytearray(40)
        lengths[Code.TABLE_MAP - 1] = 8
        body = struct.pack("<H50sIB", 4, b"8.4.0", 0, 19) + lengths + bytes([self.checksums])
        self._add(Code.FORMAT_DESCRIPTION, body, sealed=True)

    def add(self, code: int, body: bytes, flags: int = 0) -> None:
        """Writes an event."""
        if self.inner is None:
            self._add(code, body, flags, sealed=self.checksums)
            return
        size = HEADER.size + len(body)
        self.inner.append(HEADER.pack(1_700_000_000, code, self.server, size, 0, flags) + body)

    def _add(self, code: int, body: bytes, flags: int = 0, *, sealed: bool) -> None:
        size = HEADER.size + len(body) + 4 * sealed
        self.offset += size
        event = (
            HEADER.pack(1_700_000_000, code, self.server, size, self.offset % 2**32, flags) + body
        )
        self.events.append(b"\0" + event + zlib.crc32(event).to_bytes(4, "little") * sealed)

    def begin(self, number: int, *, flags: int = 0, tag: str = "", squeezed: bool = False) -> None:
        """Writes the GTID of a transaction, and BEGIN.

        Args:
            number: Its number; 0: it has none.
            flags: MariaDB's.
            tag: MySQL's.
            squeezed: Whether what follows is compressed, as MySQL does it, up to `squeeze`.
        """
        if not self.mysql:
            self.add(Code.MARIADB_GTID, struct.pack("<QIB6x", number, self.server - 1, flags))
            return
        code = Code.GTID if number else Code.ANONYMOUS_GTID
        server = uuid.UUID(SERVER.format(self.server)).bytes
        if tag and number:
            fields = (varlen(1), b"".join(map(varlen, server)), varlen(2 * number),
                      varlen(len(tag)) + tag.encode())  # fmt: skip
            named = b"".join(varlen(n) + value for n, value in enumerate(fields))
            self.add(Code.GTID_TAGGED, varlen(1) + varlen(len(named)) + varlen(4) + named)
        else:
            self.add(code, b"\1" + server + number.to_bytes(8, "little") + bytes(17))
        self.inner = [] if squeezed else None
        self.query("BEGIN")

    def squeeze(self, *, whole: int | None = None) -> None:
        """Writes the events of a compressed transaction.

        Args:
            whole: Their length as it is stated, in place of the true one.
        """
        assert self.inner is not None
        inner, self.inner = b"".join(self.inner), None
        machine = zstandard.ZstdCompressor(write_content_size=False)
        payload = machine.compress(inner)
        stated = {2: 0, 3: len(inner) if whole is None else whole, 1: len(payload)}
        fields = [
            packed(kind) + packed(len(packed(value))) + packed(value)
            for kind, value in stated.items()
        ]
        self.add(Code.TRANSACTION_PAYLOAD, b"".join([*fields, b"\0", payload]))

    def query(self, text: str) -> None:
        """Writes a statement."""
        self.add(Code.QUERY, struct.pack("<IIBHH", 1, 0, 4, 0, 3) + b"\4!\0made\0" + text.encode())

    def commit(self, flags: int = 0) -> None:
        """Writes the end of a transaction."""
        self.add(Code.XID, bytes(8), flags)

    def recorded(self, tables: Iterable[Made], until: int | None = None) -> Recorded:
        """The log as it is sent, with the end of it behind."""
        offset = self.offset if until is None else until
        flavor: Flavor = "mysql" if self.mysql else "mariadb"
        since = Position(FILE, 4, BEFORE[flavor], "made", flavor)
        wanted = {("made", table.name): table.key_columns for table in tables if table.wanted}
        return Recorded(Start(FILE, 4), since, Position(FILE, offset, "", "made", flavor), wanted,
                        sent([*self.events, b"\xfe\0\0\2\0"]))  # fmt: skip


def sent(events: Iterable[bytes]) -> bytes:
    """Events as packets; those of more than 16 MB as several."""
    parts, number = [], 1
    for event in events:
        at = 0
        while True:
            piece = event[at : at + 0xFFFFFF]
            parts += [len(piece).to_bytes(3, "little"), bytes([number % 256]), piece]
            at, number = at + len(piece), number + 1
            if len(piece) < 0xFFFFFF:
                break
    return b"".join(parts)
