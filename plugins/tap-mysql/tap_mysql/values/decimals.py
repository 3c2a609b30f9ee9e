"""Exact decimals in Arrow, from scaled integers and from text."""

from __future__ import annotations

from typing import Any, TypeAlias

import pyarrow as pa

Array: TypeAlias = "pa.Array[Any]"


def from_scaled(values: Array, target: pa.DataType) -> Array:
    """Reads integers as decimals whose point has been moved out: 1234 is 12.34 at scale 2.

    A decimal128 is stored as its integer, so nothing is computed but the wider integer.

    Args:
        values: int64, each ``value * 10**scale``.
        target: A decimal128 type.
    """
    wide = values.cast(pa.int64()).cast(pa.decimal128(19, 0))
    return pa.Array.from_buffers(
        target, len(wide), wide.buffers(), null_count=wide.null_count, offset=wide.offset
    )


def from_text(values: Array, target: pa.DataType) -> Array:
    """Parses decimal text.

    Raises:
        pyarrow.ArrowInvalid: A text is no decimal of this precision and scale.
    """
    return values.cast(pa.string()).cast(target)
