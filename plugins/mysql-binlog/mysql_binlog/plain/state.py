"""The structs that Python and the kernel share; they are in ``state.h`` too."""

from __future__ import annotations

import ctypes
from enum import IntEnum

#: As in ``state.h``.
SLOTS, RUNS, RECORDS, KEY_COLUMNS, NULL_SIZE = 1024, 1024, 4096, 32, 2**32 - 1
LONGEST_TAG = 32


class Begun(IntEnum):
    """The kind of GTID of a transaction that began in a run and has not ended."""

    NONE = 0
    ANONYMOUS = 1
    NUMBERED = 2


class TableStruct(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("id", "columns", "keys", "is_packed")),
        *((name, ctypes.c_void_p) for name in ("fixed", "prefix", "place")),
    )


class Slot(ctypes.Structure):
    _fields_ = (
        ("number", ctypes.c_uint64),
        ("body", ctypes.c_char_p),
        ("size", ctypes.c_uint64),
        ("table", ctypes.c_void_p),
    )


class GtidsStruct(ctypes.Structure):
    _fields_ = (
        ("server", ctypes.c_uint8 * 16),
        ("tag", ctypes.c_uint8 * LONGEST_TAG),
        *((name, ctypes.c_uint64) for name in ("tag_size", "first", "last")),
    )


class Record(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("table", "kind", "count", "unused")),
        *((name, ctypes.c_uint64) for name in ("begin", "end")),
    )


class Method(IntEnum):
    """How something is compressed."""

    ZLIB = 0
    ZSTD = 1


#: Gets the method, the offset and size of the compressed data, and its decompressed size.
Expand = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64
)


class State(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("offset", "until", "boundary")),
        *((name, ctypes.c_uint8) for name in ("sequence", "is_mariadb", "has_checksums",
                                              "is_open", "has_passed", "begun")),
        ("unused", ctypes.c_uint8 * 2),
        ("gtid", GtidsStruct),
        *((name, ctypes.c_uint32) for name in ("runs", "records")),
        *((name, ctypes.c_uint64) for name in ("keys", "most_keys", "out_size", "out_room")),
        *((name, ctypes.c_void_p) for name in ("out", "data", "expanded")),
        ("expanded_room", ctypes.c_uint64),
        ("expand", Expand),
        *((name, ctypes.c_void_p) for name in ("zstd", "zstd_context")),
        ("slot", Slot * SLOTS),
        ("run", GtidsStruct * RUNS),
        ("record", Record * RECORDS),
    )  # fmt: skip
