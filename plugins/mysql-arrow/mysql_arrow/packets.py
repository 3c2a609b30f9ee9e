"""The packets around the rows: commands, and the server's responses before the first row.

https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase_ps.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pymysql.err

from mysql_arrow.columns import Definition
from mysql_arrow.errors import ProtocolError

#: A packet of this many bytes continues in another one.
FULL = 0xFFFFFF
#: What comes before the rows is short: names, types, an error's words.
MOST_BYTES = 1 << 20
_PREPARE, _EXECUTE, _CLOSE = 0x16, 0x17, 0x19
_PREPARED = struct.Struct("<BIHHxH")
_DEFINITION = struct.Struct("<BHIBHB")
_ERROR, _EOF = 0xFF, 0xFE


def _command(body: bytes) -> bytes:
    if len(body) >= FULL:
        raise ValueError(f"a statement of {len(body):,} bytes is too long")
    return len(body).to_bytes(4, "little") + body


def prepare(sql: str) -> bytes:
    return _command(bytes([_PREPARE]) + sql.encode())


def execute(statement: int) -> bytes:
    """The command without a cursor: rows come as fast as they are taken."""
    return _command(struct.pack("<BIBI", _EXECUTE, statement, 0, 1))


def close(statement: int) -> bytes:
    """The command; it has no answer."""
    return _command(struct.pack("<BI", _CLOSE, statement))


def raise_refusal(packet: bytes) -> None:
    """Raises what an ERR packet says; does nothing for any other packet.

    Raises:
        pymysql.err.MySQLError: The server's error.
        ProtocolError: It is too short for one.
    """
    if packet[:1] == bytes([_ERROR]):
        if len(packet) < 3:
            raise ProtocolError("an error without a code")
        pymysql.err.raise_mysql_exception(packet)


def is_eof(packet: bytes) -> bool:
    return packet[:1] == bytes([_EOF]) and len(packet) == 5


@dataclass(frozen=True)
class Prepared:
    """The answer to a PREPARE.

    Attributes:
        statement: The statement's number.
        columns: Number of the result's columns; 0 if there is no result.
        parameters: Number of parameter markers in the statement.
    """

    statement: int
    columns: int
    parameters: int

    @classmethod
    def read(cls, packet: bytes) -> Prepared:
        raise_refusal(packet)
        if len(packet) < _PREPARED.size or packet[0] != 0:
            raise ProtocolError("no response to PREPARE")
        _, statement, columns, parameters, _ = _PREPARED.unpack_from(packet)
        return cls(statement, columns, parameters)


def column_count(packet: bytes) -> int:
    """How many columns a result has.

    Raises:
        pymysql.err.MySQLError: The server refused.
        ProtocolError: It is not a result but, for example, a request for a file.
    """
    raise_refusal(packet)
    part = _Part(packet)
    count = part.number()
    if part.left:
        raise ProtocolError("no result in response to EXECUTE")
    return count


def definition(packet: bytes) -> Definition:
    """Reads a ColumnDefinition41.

    Raises:
        ProtocolError: It is not one.
    """
    part = _Part(packet)
    for _ in range(4):
        part.text()
    name = part.text()
    part.text()
    length, charset, characters, kind, flags, decimals = part.fields(_DEFINITION)
    if length != 12:
        raise ProtocolError("no column definition")
    return Definition(name.decode(errors="replace"), kind, charset, characters, flags, decimals)


class _Part:
    """A packet that is read field by field."""

    def __init__(self, packet: bytes) -> None:
        self._packet, self._at = packet, 0

    @property
    def left(self) -> int:
        return len(self._packet) - self._at

    def number(self) -> int:
        first = self._take(1)[0]
        sizes = {0xFC: 2, 0xFD: 3, 0xFE: 8}
        if first in (0xFB, 0xFF):
            raise ProtocolError("a missing length")
        return int.from_bytes(self._take(sizes[first]), "little") if first in sizes else first

    def text(self) -> bytes:
        return self._take(self.number())

    def fields(self, form: struct.Struct) -> tuple[int, ...]:
        return form.unpack(self._take(form.size))

    def _take(self, size: int) -> bytes:
        if size > self.left:
            raise ProtocolError("a packet ends before its last field")
        self._at += size
        return self._packet[self._at - size : self._at]
