"""Python bindings of the C kernel; independent of Arrow and of sockets."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.util import find_spec
from typing import Any

_ABI = 1
_LIBRARY = "_mysql_arrow_kernel"
_REASONS = 3


class How(IntEnum):
    """How a column is read: ``arrays.h``."""

    COPY = 0
    INTEGER = 1
    BIT = 2
    WIDEN = 3
    DECIMAL = 4
    DATE = 5
    TIMESTAMP = 6
    TIME = 7
    TEXT = 8
    BYTES = 9


class Code(IntEnum):
    """The result of a feed: as in ``kernel.c``, or if negative in ``arrays.h``."""

    MORE = 0
    BATCH = 1
    END = 2
    REFUSED = 3
    WRONG_SEQUENCE = -1
    EMPTY_PACKET = -2
    UNKNOWN_PACKET = -3
    TOO_SHORT = -4
    TOO_LONG = -5
    BAD_LENGTH = -6
    BAD_TIME = -7
    DOES_NOT_FIT = -8
    BAD_DECIMAL = -9
    TOO_LARGE = -10
    NO_MEMORY = -11


class ColumnSpec(ctypes.Structure):
    """``ma_column``; see there."""

    _fields_ = tuple(
        (name, ctypes.c_uint8)
        for name in ("how", "wire", "is_unsigned", "width", "to_unsigned", "decimals",
                     "precision", "scale")
    )  # fmt: skip


class _Change(ctypes.Structure):
    _fields_ = (
        ("count", ctypes.c_int64),
        ("row", ctypes.c_int64),
        ("shown", ctypes.c_void_p),
        ("shown_size", ctypes.c_int64),
    )


class _Array(ctypes.Structure):
    _fields_ = (
        ("validity", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("data_size", ctypes.c_int64),
        ("data_room", ctypes.c_int64),
        ("nulls", ctypes.c_int64),
        ("changes", _Change * _REASONS),
    )


class _Batch(ctypes.Structure):
    _fields_ = (
        ("rows", ctypes.c_int64),
        ("columns", ctypes.c_int64),
        ("arrays", ctypes.POINTER(_Array)),
    )


@dataclass(frozen=True)
class Changed:
    """Values of a column that were changed, for one reason.

    Attributes:
        reason: 0: a date of year 0; 1: another date that no calendar has; 2: not UTF-8.
        count: How many.
        row: The first one's row in the batch.
        shown: What the first one was, or its first 4,096 bytes.
    """

    reason: int
    count: int
    row: int
    shown: bytes


class Batch:
    """Rows in the kernel's memory, which is freed with this object."""

    def __init__(self, address: int) -> None:
        self._address, self._library = address, library()
        batch = _Batch.from_address(address)
        self.rows = int(batch.rows)
        self._arrays = batch.arrays

    def __del__(self) -> None:
        self._library.ma_free_batch(self._address)

    def array(self, column: int) -> Any:
        """``ma_array`` of a column: its addresses are valid as long as this object exists."""
        return self._arrays[column]

    def changed(self, column: int) -> list[Changed]:
        return [
            Changed(reason, change.count, change.row,
                    ctypes.string_at(change.shown, change.shown_size))
            for reason, change in enumerate(self._arrays[column].changes)
            if change.count
        ]  # fmt: skip


class Kernel:
    """Parses the packets of one result set, from the first row on.

    Args:
        columns: How each is read.
        max_bytes: Maximum bytes of a batch, unless one row has more.
        sequence: The next packet's number.
    """

    def __init__(self, columns: Sequence[ColumnSpec], max_bytes: int, sequence: int) -> None:
        self._library = library()
        specs = (ColumnSpec * max(1, len(columns)))(*columns)
        self._reader = self._library.ma_new(specs, len(columns), max_bytes, sequence)
        if not self._reader:
            raise MemoryError
        self._used = ctypes.c_size_t()

    def __del__(self) -> None:
        if reader := getattr(self, "_reader", None):
            self._library.ma_free(reader)

    def feed(self, address: int, size: int, max_rows: int) -> tuple[int, int]:
        """Takes bytes; Python's lock is free meanwhile.

        Returns:
            A `Code`, and how many bytes were taken.
        """
        code = self._library.ma_feed(
            self._reader, address, size, ctypes.byref(self._used), max_rows
        )
        return code, self._used.value

    def take(self) -> Batch | None:
        """The rows so far, if there are any."""
        address = self._library.ma_take(self._reader)
        return Batch(address) if address else None

    @property
    def rows(self) -> int:
        """How many have been read."""
        return int(self._library.ma_rows(self._reader))

    @property
    def wrong_column(self) -> int:
        """The column of the last error; -1 if none."""
        return int(self._library.ma_wrong_column(self._reader))

    @property
    def wrong_sequence(self) -> int:
        """The number that came in place of the next one."""
        return int(self._library.ma_wrong_sequence(self._reader))

    @property
    def warnings(self) -> int:
        """How many the server reports at the end."""
        return int(self._library.ma_warnings(self._reader))

    @property
    def status(self) -> int:
        """SERVER_STATUS flags that the server reports at the end."""
        return int(self._library.ma_status(self._reader))

    @property
    def refusal(self) -> bytes:
        """The server's ERR packet, or its beginning."""
        size = ctypes.c_int64()
        address = self._library.ma_refusal(self._reader, ctypes.byref(size))
        return ctypes.string_at(address, size.value)


@cache
def library() -> Any:
    """The compiled kernel.

    Raises:
        ImportError: It is not there, or is another version's.
    """
    # Found like a Python module, without being one.
    spec = find_spec(_LIBRARY)
    if spec is None or spec.origin is None:
        raise ImportError(f"{_LIBRARY} is not installed: reinstall tidemark-mysql-arrow")
    loaded = ctypes.CDLL(spec.origin)
    if loaded.ma_abi() != _ABI:
        raise ImportError(f"{spec.origin} is of a different version: reinstall it")
    pointer, number, size = ctypes.c_void_p, ctypes.c_int64, ctypes.c_size_t
    for name, result, arguments in (
        ("ma_new", pointer, [ctypes.POINTER(ColumnSpec), number, number, ctypes.c_uint8]),
        ("ma_feed", ctypes.c_int, [pointer, pointer, size, ctypes.POINTER(size), number]),
        ("ma_take", pointer, [pointer]),
        ("ma_free", None, [pointer]),
        ("ma_free_batch", None, [pointer]),
        ("ma_rows", number, [pointer]),
        ("ma_wrong_column", ctypes.c_int32, [pointer]),
        ("ma_wrong_sequence", ctypes.c_uint8, [pointer]),
        ("ma_warnings", ctypes.c_uint16, [pointer]),
        ("ma_status", ctypes.c_uint16, [pointer]),
        ("ma_refusal", pointer, [pointer, ctypes.POINTER(number)]),
    ):
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    return loaded
