"""Splits the server's data into packets of the log."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pymysql
import pymysql.err

from mysql_binlog.errors import DamagedLog, RefusedRead, StalledStream
from mysql_binlog.events.source import Reader
from mysql_binlog.wire.start import refusal

#: Takes plain packets from the beginning of the received bytes.
#:
#: Called with the bytes, the next packet's number, and whether events have checksums; returns how
#: many bytes of whole packets it took, and the number of the packet after them.
Plain = Callable[[memoryview, int, bool], tuple[int, int]]

#: A packet of this size continues in the next one.
_FULL_PACKET = 2**24 - 1
_HEADER = 4
_BUFFER = 512 * 1024
_OK = 0x00
_LOST = 2013


class Packets:
    """The packets that the server sends, each the event that it holds.

    Args:
        connection: On which the log was asked for.
        stall_seconds: How long the server may send nothing.
    """

    def __init__(self, connection: pymysql.Connection[Any], stall_seconds: float) -> None:
        way = connection._sock  # type: ignore[attr-defined]
        way.settimeout(stall_seconds)
        self._file = way.makefile("rb", buffering=0)
        self._sequence, self._stall = 1, stall_seconds
        self._data = memoryview(bytearray(_BUFFER))
        #: The bytes that were received and not yet taken.
        self._begin = self._end = 0

    def close(self) -> None:
        """Releases the socket."""
        self._file.close()

    def offer(self, plain: Plain, checksums: bool) -> bool:
        """Has plain packets taken, once the next one is there; returns whether there were any.

        Raises:
            StalledStream: Nothing comes.
            pymysql.err.OperationalError: The connection is lost.
        """
        while not self._has_packet():
            self._fill()
        used, self._sequence = plain(self._data[self._begin : self._end], self._sequence, checksums)
        self._begin += used
        return used > 0

    def _has_packet(self) -> bool:
        """Whether the next packet is there, or is too large ever to be there as a whole."""
        there = self._end - self._begin
        if there < _HEADER:
            return False
        size = int.from_bytes(self._data[self._begin : self._begin + 3], "little")
        return there >= _HEADER + size or size > _BUFFER - _HEADER

    def next(self) -> bytes | Reader | None:
        """The next packet, its first byte included; None: the end.

        Returns:
            One of more than 16 MB as a stream, after its first byte.

        Raises:
            BinlogError: The server refuses to go on, or it is not a packet.
        """
        size = self.header()
        if size == _FULL_PACKET:
            (kind,) = self.exactly(1)
            if kind != _OK:
                raise DamagedLog("an invalid packet in the log stream")
            return Reader(_Continued(self, size - 1))
        data = self.exactly(size)
        if data[:1] == b"\0":
            return data
        if data[:1] == b"\xff":
            raise _error(data)
        if data[:1] == b"\xfe" and size < 9:
            return None
        raise DamagedLog("an invalid packet in the log stream")

    def header(self) -> int:
        """The size of the next packet."""
        head = self.exactly(_HEADER)
        if head[3] != self._sequence:
            raise DamagedLog("a packet is out of sequence")
        self._sequence = (self._sequence + 1) % 256
        return head[0] | head[1] << 8 | head[2] << 16

    def exactly(self, size: int) -> bytes:
        """This many bytes from the socket."""
        if size > _BUFFER:
            return self._large(size)
        while self._end - self._begin < size:
            self._fill()
        self._begin += size
        return bytes(self._data[self._begin - size : self._begin])

    def _large(self, size: int) -> bytes:
        found = bytearray(size)
        at = self._end - self._begin
        found[:at] = self._data[self._begin : self._end]
        self._begin = self._end = 0
        with memoryview(found) as view:
            while at < size:
                at += self._read(view[at:])
        return bytes(found)

    def _fill(self) -> None:
        """Waits for more bytes, and appends them."""
        if self._begin:
            left = bytes(self._data[self._begin : self._end])
            self._begin, self._end = 0, len(left)
            self._data[: len(left)] = left
        self._end += self._read(self._data[self._end :])

    def _read(self, room: memoryview) -> int:
        try:
            size = self._file.readinto(room)
        except TimeoutError as error:
            raise StalledStream(f"the server has sent nothing for {self._stall:g} s") from error
        except (OSError, ssl.SSLError) as error:
            raise pymysql.err.OperationalError(_LOST, f"Lost connection: {error}") from error
        if not size:
            raise pymysql.err.OperationalError(_LOST, "Lost connection: the server closed it")
        return int(size)


class _Continued:
    """A packet that continues in further ones."""

    def __init__(self, packets: Packets, left: int) -> None:
        self._packets, self._left, self._last = packets, left, False

    def read(self, size: int) -> bytes:
        parts = []
        while size > 0 and (self._left or not self._last):
            if not self._left:
                self._left = self._packets.header()
                self._last = self._left < _FULL_PACKET
            data = self._packets.exactly(min(size, self._left))
            self._left -= len(data)
            size -= len(data)
            parts.append(data)
        return b"".join(parts)


def _error(data: bytes) -> Exception:
    code = int.from_bytes(data[1:3], "little")
    text = data[3:].decode(errors="replace")
    if text.startswith("#"):
        text = text[6:]
    if found := refusal(code, text):
        return found
    if code in (1227, 1045, 1044):
        return RefusedRead(f"GRANT REPLICATION SLAVE ON *.* is missing: {text}")
    if code == 1236:
        return RefusedRead(f"the server says: {text}")
    return pymysql.err.OperationalError(code, text)
