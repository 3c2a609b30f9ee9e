"""Decompresses for the kernel, which has neither zlib nor zstd."""

from __future__ import annotations

import ctypes
import zlib

import zstandard

from mysql_binlog.plain.state import Expand, Method, State

#: A compressed transaction says how much of the past its bytes refer to; MySQL's own need 8 MB.
MOST_WINDOW = 128 * 2**20
#: What is longer when it is decompressed is read in Python, piece by piece.
_ROOM = 4 * 2**20
_UNKNOWN = -1


class Expanded:
    """Room for what was decompressed last.

    Attributes:
        data: What the kernel is given to run.
    """

    def __init__(self) -> None:
        self.data = memoryview(b"")
        self._bytes = (ctypes.c_uint8 * _ROOM)()
        self._room = memoryview(self._bytes).cast("B")
        self._zstd = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
        self._call = Expand(self._expand)

    def lend(self, state: State) -> None:
        """Gives the room to the kernel; it is to live as long as the state does."""
        state.expanded, state.expanded_room = ctypes.addressof(self._bytes), _ROOM
        state.expand = self._call

    def _expand(self, method: int, at: int, size: int, want: int) -> int:
        """Whether so many bytes, and no others, are what that is when it is decompressed."""
        data = self.data[at : at + size]
        try:
            if method == Method.ZLIB:
                found = zlib.decompressobj().decompress(data, want)
            elif zstandard.frame_content_size(data) in (_UNKNOWN, want):
                found = self._zstd.decompress(data, max_output_size=want)
            else:
                return 0
        except (zlib.error, zstandard.ZstdError):  # Python reads it again, and says what it is
            return 0
        if len(found) != want:
            return 0
        self._room[:want] = found
        return 1
