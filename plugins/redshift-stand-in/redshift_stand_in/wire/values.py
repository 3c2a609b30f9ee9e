"""The values in a message, some of them changed."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from redshift_stand_in.wire.protocol import data_row, split_data_row

Change = Callable[[bytes], bytes]
#: Takes a parameter's position too, from 0.
ParameterChange = Callable[[int, bytes], bytes]
_COUNT = struct.Struct("!h")


def in_row(row: bytes, change: Change) -> bytes:
    """The body of a DataRow with its values changed; NULL stays."""
    return data_row([v if v is None else change(v) for v in split_data_row(row)])[5:]


def in_bind(bind: bytes, change: ParameterChange) -> bytes:
    """The body of a Bind with those of its parameters changed that are text; NULL stays."""
    formats = bind.index(b"\0", bind.index(b"\0") + 1) + 1
    count = _COUNT.unpack_from(bind, formats)[0]
    codes = struct.unpack_from(f"!{count}h", bind, formats + _COUNT.size)
    start = formats + _COUNT.size * (1 + count)
    given = bind[start:]
    values = split_data_row(given)
    changed = [
        value if value is None or _is_binary(codes, position) else change(position, value)
        for position, value in enumerate(values)
    ]
    return bind[:start] + data_row(changed)[5:] + given[len(data_row(values)) - 5 :]


def _is_binary(codes: Sequence[int], position: int) -> bool:
    """Whether a parameter is binary: no code means that all are text, one that all are alike."""
    return bool(codes[position] if len(codes) > 1 else codes and codes[0])
