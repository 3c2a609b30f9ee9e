"""The values in a message, each of them changed."""

from __future__ import annotations

import struct
from collections.abc import Callable

from redshift_stand_in.wire.protocol import data_row, split_data_row

Change = Callable[[bytes], bytes]
_COUNT = struct.Struct("!h")


def in_row(row: bytes, change: Change) -> bytes:
    """The body of a DataRow with its values changed; NULL stays."""
    return data_row([v if v is None else change(v) for v in split_data_row(row)])[5:]


def in_bind(bind: bytes, change: Change) -> bytes:
    """The body of a Bind with its parameters changed; NULL stays."""
    formats = bind.index(b"\0", bind.index(b"\0") + 1) + 1
    start = formats + _COUNT.size * (1 + _COUNT.unpack_from(bind, formats)[0])
    given = bind[start:]
    size = len(in_row(given, lambda value: value))
    return bind[:start] + in_row(given, change) + given[size:]
