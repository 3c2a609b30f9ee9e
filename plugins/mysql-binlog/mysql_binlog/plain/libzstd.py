"""The system's libzstd, which the kernel calls by itself where there is one.

Debian's dpkg needs it, so Debian has it. Without it Python decompresses, which takes longer.
"""

from __future__ import annotations

import ctypes
import weakref
from functools import cache

from mysql_binlog.plain.state import State

_NAME = "libzstd.so.1"


@cache
def library() -> ctypes.CDLL | None:
    """The library; None if the system has none."""
    try:
        found = ctypes.CDLL(_NAME)
    except OSError:
        return None
    found.ZSTD_createDCtx.restype, found.ZSTD_createDCtx.argtypes = ctypes.c_void_p, []
    found.ZSTD_freeDCtx.restype, found.ZSTD_freeDCtx.argtypes = None, [ctypes.c_void_p]
    return found


def lend(state: State, owner: object) -> None:
    """Lends the kernel the library's function, and a context for as long as the owner lives."""
    found = library()
    context = None if found is None else found.ZSTD_createDCtx()
    if found is None or context is None:
        return
    weakref.finalize(owner, found.ZSTD_freeDCtx, context)
    state.zstd = ctypes.cast(found.ZSTD_decompressDCtx, ctypes.c_void_p)
    state.zstd_context = context
