"""Decompresses for the kernel, which has no zlib, and no zstd where the system has none."""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Callable

import zstandard

from mysql_binlog.plain.state import Expand, Method, State

#: Maximum zstd window, which a compressed transaction states; MySQL's own need 8 MB.
MOST_WINDOW = 128 * 2**20
#: Data that is longer when decompressed is read in Python, piece by piece.
_ROOM = 4 * 2**20
#: Of data that short, zlib makes less than the room, 1032 bytes of one at most
#: (https://www.zlib.net/zlib_tech.html): no bound is needed, which takes half the time.
_SHORT = _ROOM // 1032
_UNKNOWN = -1


class Expanded:
    """Room for what was decompressed last."""

    def __init__(self) -> None:
        self._data = memoryview(b"")
        self._raised: BaseException | None = None
        self._bytes = (ctypes.c_uint8 * _ROOM)()
        self._room = memoryview(self._bytes).cast("B")
        self._zstd = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
        self._call = Expand(self._called)

    def lend(self, state: State) -> None:
        """Lends the room to the kernel; it must live as long as the state does."""
        state.expanded, state.expanded_room = ctypes.addressof(self._bytes), _ROOM
        state.expand = self._call

    def run(self, data: memoryview, kernel: Callable[[], object]) -> None:
        """Has the kernel run data, and raises what the callback raised.

        ctypes would drop that, such as what a signal handler raises during decompression.
        """
        self._data, self._raised = data, None
        kernel()
        if self._raised is not None:
            raise self._raised

    def _called(self, method: int, at: int, size: int, want: int) -> int:
        try:
            return self._expand(method, self._data[at : at + size], want)
        except BaseException as error:  # noqa: BLE001 (raised by `run`)
            self._raised = error
            return 0

    def _expand(self, method: int, data: memoryview, want: int) -> int:
        """Decompresses data into the room; 1 if it has exactly ``want`` bytes then, else 0."""
        try:
            if method == Method.ZLIB and len(data) <= _SHORT:
                found = zlib.decompress(data, bufsize=want)
            elif method == Method.ZLIB:
                found = zlib.decompressobj().decompress(data, want)
            elif zstandard.frame_content_size(data) in (_UNKNOWN, want):
                found = self._zstd.decompress(data, max_output_size=want)
            else:
                return 0
        except (zlib.error, zstandard.ZstdError):  # Python reads it again, and reports it
            return 0
        if len(found) != want:
            return 0
        self._room[:want] = found
        return 1
