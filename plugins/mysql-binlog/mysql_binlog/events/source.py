"""A byte stream: of an event in memory, or of one too large for that."""

from __future__ import annotations

import io
import zlib
from typing import Protocol

import zstandard

from mysql_binlog.errors import DamagedLog
from mysql_binlog.plain.expanded import MOST_WINDOW

#: Bytes that are read ahead, or skipped, at once.
_PIECE = 256 * 1024
#: Nothing that is parsed is longer; longer data is skipped piece by piece.
MOST_TAKEN = 64 * 2**20
_ZSTD, _NOT_COMPRESSED = 0, 255


class Source(Protocol):
    """Gives bytes one after the other."""

    def read(self, size: int) -> bytes:
        """The next bytes, fewer only at the end."""


class Reader:
    """Reads numbers and bytes from a source, and refuses to read beyond its end."""

    def __init__(self, source: Source, size: int | None = None) -> None:
        self._source = source
        #: How many bytes are left; None if unknown until the end.
        self.left = size

    @classmethod
    def of(cls, data: bytes) -> Reader:
        """Reads what lies in memory."""
        return cls(io.BytesIO(data), len(data))

    def read(self, size: int) -> bytes:
        """As `Source.read`: what is there, at most ``size``."""
        if self.left is not None:
            size = min(size, self.left)
        data = self._source.read(size)
        if self.left is not None:
            self.left -= len(data)
        return data

    def take(self, size: int) -> bytes:
        """Exactly this many bytes.

        Raises:
            DamagedLog: There are not that many.
        """
        if size > MOST_TAKEN or (self.left is not None and size > self.left):
            raise DamagedLog("an event ends in the middle of a value")
        data = self._source.read(size)
        if len(data) != size:
            raise DamagedLog("an event ends in the middle of a value")
        if self.left is not None:
            self.left -= size
        return data

    def skip(self, size: int) -> None:
        """Skips this many bytes."""
        while size > 0:
            size -= len(self.take(min(size, _PIECE)))

    def number(self, size: int) -> int:
        """An unsigned number of this many bytes."""
        return int.from_bytes(self.take(size), "little")

    def packed(self) -> int:
        """A number of one to nine bytes, as the protocol packs lengths."""
        first = self.number(1)
        if first < 251:
            return first
        if first == 251 or first == 255:
            raise DamagedLog("an invalid length")
        return self.number({252: 2, 253: 3, 254: 8}[first])

    def rest(self, most: int) -> bytes:
        """What is left, but not more than ``most``."""
        parts = []
        while most > 0 and (data := self.read(min(most, _PIECE))):
            parts.append(data)
            most -= len(data)
        return b"".join(parts)


class _Inflated:
    """The content of MariaDB's compressed events."""

    def __init__(self, source: Reader, size: int) -> None:
        self._source, self._left = source, size
        self._zlib = zlib.decompressobj()

    def read(self, size: int) -> bytes:
        parts, size = [], min(size, self._left)
        while size > 0:
            data = self._zlib.unconsumed_tail or self._source.read(_PIECE)
            try:
                found = self._zlib.decompress(data, size)
            except zlib.error as error:
                raise DamagedLog(f"compressed rows cannot be decompressed: {error}") from error
            if not found and not data:
                break
            size -= len(found)
            self._left -= len(found)
            parts.append(found)
        return b"".join(parts)


def inflated(compressed: Reader) -> Reader:
    """Reads MariaDB's compressed block: a byte that says how, the length, and zlib's stream."""
    how = compressed.number(1)
    if how & 0xF8 != 0x80 or not 1 <= how & 0x07 <= 4:
        raise DamagedLog(f"an event uses an unknown compression ({how:#x})")
    size = int.from_bytes(compressed.take(how & 0x07), "big")
    return Reader(_Inflated(compressed, size), size)


class _Decompressed:
    """The content of a zstd stream; zstd's errors become ours."""

    def __init__(self, source: Reader) -> None:
        machine = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
        # It reads from whatever has a method `read`.
        self._stream = machine.stream_reader(
            source,  # type: ignore[arg-type]
            read_size=_PIECE,
            read_across_frames=True,
        )

    def read(self, size: int) -> bytes:
        parts = []
        try:
            while size > 0 and (data := self._stream.read(min(size, 16 * _PIECE))):
                parts.append(data)
                size -= len(data)
        except zstandard.ZstdError as error:
            raise DamagedLog(f"a transaction cannot be decompressed: {error}") from error
        return b"".join(parts)


def payload(event: Reader) -> Reader:
    """Reads the events of a TRANSACTION_PAYLOAD."""
    fields: dict[int, int] = {}
    while kind := event.packed():
        size = event.packed()
        if size > 9:
            raise DamagedLog(f"a compressed transaction has a field of {size} bytes")
        fields[kind] = Reader.of(event.take(size)).packed()
    length, how, whole = fields.get(1), fields.get(2, _ZSTD), fields.get(3)
    if length is None or (event.left is not None and length != event.left):
        raise DamagedLog("a compressed transaction does not have the stated length")
    if how == _NOT_COMPRESSED:
        return Reader(event, length)
    if how != _ZSTD:
        raise DamagedLog(f"a transaction uses an unknown compression ({how})")
    return Reader(_Decompressed(event), whole)
