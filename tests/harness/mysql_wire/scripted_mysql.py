"""A MySQL server that says what a test wants of one result: also what no server should say."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pymysql

_FULL = 0xFFFFFF
#: Protocol::HandshakeV10: https://dev.mysql.com/doc/dev/mysql-server/latest/
_GREETING = (
    b"\x0a8.4.0\0" + bytes(4) + b"12345678\0" + b"\x00\x82\x21\x02\x00\x08\x00\x15"
    + bytes(10) + b"123456789012\0mysql_native_password\0"
)  # fmt: skip
_OK = b"\0\0\0\x02\0\0\0"
_QUIT, _PREPARE, _EXECUTE, _CLOSE = 0x01, 0x16, 0x17, 0x19
EOF = b"\xfe\0\0\x02\0"


@dataclass(frozen=True)
class Column:
    """A column of a result: ``Protocol::ColumnDefinition41``."""

    type: int
    name: str = "c"
    charset: int = 45
    length: int = 11
    flags: int = 0
    decimals: int = 0

    def packet(self) -> bytes:
        texts = b"".join(map(text, (b"def", b"", b"", b"", self.name.encode(), b"")))
        rest = (12, self.charset, self.length, self.type, self.flags, self.decimals, 0)
        return texts + struct.pack("<BHIBHBH", *rest)


def packet(number: int, body: bytes) -> bytes:
    """One packet as it is on the wire."""
    return len(body).to_bytes(3, "little") + bytes([number % 256]) + body


def packets(bodies: Sequence[bytes], first: int = 1) -> bytes:
    """Packets in a row, those that are too long cut in several."""
    parts: list[bytes] = []
    for body in bodies:
        while len(body) >= _FULL:
            parts.append(body[:_FULL])
            body = body[_FULL:]
        parts.append(body)
    return b"".join(packet(first + number, part) for number, part in enumerate(parts))


def text(value: bytes) -> bytes:
    """A value with its length before it."""
    size = len(value)
    if size < 0xFB:
        return bytes([size]) + value
    if size < 1 << 16:
        return b"\xfc" + size.to_bytes(2, "little") + value
    if size < 1 << 24:
        return b"\xfd" + size.to_bytes(3, "little") + value
    return b"\xfe" + size.to_bytes(8, "little") + value


def row(*values: bytes | None) -> bytes:
    """A row of the binary protocol; each value as its type writes it, None for NULL."""
    nulls = sum(1 << (number + 2) for number, value in enumerate(values) if value is None)
    bitmap = nulls.to_bytes((len(values) + 9) // 8, "little")
    return b"\0" + bitmap + b"".join(value for value in values if value is not None)


def result(columns: Sequence[Column], rows: Sequence[bytes], end: bytes = EOF) -> bytes:
    """The answer to an EXECUTE."""
    head = [bytes([len(columns)]), *(column.packet() for column in columns), EOF]
    return packets([*head, *rows, end])


def prepared(columns: int = 0, parameters: int = 0) -> bytes:
    """The answer to a PREPARE of statement 7."""
    return packet(1, struct.pack("<BIHHBH", 0, 7, columns, parameters, 0, 0))


@dataclass(frozen=True)
class Server:
    """What is said.

    Attributes:
        execute: To an EXECUTE.
        prepare: To a PREPARE.
        piece: Bytes of each write, so that the client's reads end anywhere; 0: all at once.
        hangs_up: Whether the connection ends after the EXECUTE's answer.
    """

    execute: bytes
    prepare: bytes = prepared()
    piece: int = 0
    hangs_up: bool = True

    @contextlib.contextmanager
    def connected(self, **options: Any) -> Iterator[pymysql.Connection[Any]]:
        """PyMySQL, logged in."""
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=self._serve, args=(theirs,), daemon=True)
        thread.start()
        # TLS off: to read the system's authorities would take longer than all else.
        options = {"user": "u", "password": "p", "charset": "utf8mb4"} | options
        connection: pymysql.Connection[Any] = pymysql.Connection(
            defer_connect=True, ssl_disabled=True, **options
        )
        try:
            connection.connect(ours)
            yield connection
        finally:
            if connection.open:
                connection.close()
            theirs.close()
            thread.join(5)

    def _serve(self, way: socket.socket) -> None:
        with way, contextlib.suppress(OSError):
            way.sendall(packet(0, _GREETING))
            _command(way)
            way.sendall(packet(2, _OK))
            while command := _command(way):
                if command[0] == _QUIT:
                    return
                if command[0] == _PREPARE:
                    way.sendall(self.prepare)
                elif command[0] == _EXECUTE:
                    self._write(way)
                    if self.hangs_up:
                        way.shutdown(socket.SHUT_WR)
                elif command[0] != _CLOSE:
                    way.sendall(packet(1, _OK))

    def _write(self, way: socket.socket) -> None:
        size = self.piece or len(self.execute)
        for start in range(0, len(self.execute), max(size, 1)):
            way.sendall(self.execute[start : start + size])


def _command(way: socket.socket) -> bytes:
    header = _exactly(way, 4)
    return _exactly(way, int.from_bytes(header[:3], "little")) if header else b""


def _exactly(way: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := way.recv(size - len(data))):
        data += part
    return data
