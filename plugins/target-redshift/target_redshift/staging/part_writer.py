"""One compressed part on the local disk."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import zstandard
from isal import isal_zlib

SUFFIX = {"gzip": ".gz", "zstd": ".zst"}
#: 16 more than the window's bits: with a gzip header (zlib manual, deflateInit2).
_GZIP_WINDOW = 16 + 15


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class PartWriter:
    """Compresses what it is given into one file. Used by one thread at a time.

    Attributes:
        path: The file.
        rows: Rows written so far.
    """

    def __init__(self, path: Path, compression: str) -> None:
        self.path = path
        self.rows = 0
        self._file = path.open("wb")
        self._compressor: _Compressor = (
            isal_zlib.compressobj(level=1, wbits=_GZIP_WINDOW)
            if compression == "gzip"
            else zstandard.ZstdCompressor(level=1).compressobj()
        )

    def write(self, data: bytes, rows: int) -> None:
        self._file.write(self._compressor.compress(data))
        self.rows += rows

    def discard(self) -> None:
        """Gives the file up, finished or not."""
        self._file.close()

    def close(self) -> None:
        """Finishes the file."""
        self._file.write(self._compressor.flush())
        self._file.close()
