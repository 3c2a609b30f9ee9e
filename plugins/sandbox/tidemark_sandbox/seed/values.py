"""Column-wise building blocks: random numbers in, Arrow text columns out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
#: An Arrow string array, one entry per row, null where MySQL is to have NULL.
Column = Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def noise(keys: Ints, seed: int, salt: int) -> NDArray[np.uint64]:
    """Uniform random bits that depend on key, seed and salt alone, whatever the order of the keys.

    Source: Sebastiano Vigna's SplitMix64 finaliser (https://prng.di.unimi.it/splitmix64.c).
    """
    constant = np.uint64((seed * 0x9E3779B97F4A7C15 + salt * 0xD1342543DE82EF95) & (2**64 - 1))
    mixed = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + constant
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def seconds(moment: datetime) -> int:
    """Seconds since 1970 of a moment; one without a zone is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int((aware - _EPOCH).total_seconds())


def nullable(column: Column, missing: Bools) -> Column:
    """The column with NULL where ``missing``."""
    return pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), column)


def integers(values: Ints) -> Column:
    """Whole numbers as text."""
    return pc.cast(pa.array(values), pa.string())


def decimals(values: Ints, scale: int) -> Column:
    """Numbers in units of 10**-scale as exact text with ``scale`` digits after the point."""
    unit = 10**scale
    magnitude = np.abs(values)
    sign = pc.if_else(pa.array(values < 0), "-", "")
    fraction = padded(magnitude % unit, scale)
    return joined([sign, integers(magnitude // unit), ".", fraction])


def datetimes(values: Ints) -> Column:
    """Seconds since 1970 as MySQL DATETIME text."""
    return pc.cast(pa.array(values, pa.timestamp("s")), pa.string())


def dates(values: Ints, form: str = "%Y-%m-%d") -> Column:
    """Seconds since 1970 as the text of their day, or of their month with another form."""
    return pc.strftime(pa.array(values, pa.timestamp("s")), format=form)


def padded(values: Ints, width: int) -> Column:
    """Whole numbers as text with leading zeros."""
    return pc.utf8_lpad(integers(values), width=width, padding="0")


def joined(parts: Sequence[Column | str]) -> Column:
    """Columns and constants one after the other."""
    texts: list[Any] = [*parts, ""]  # the separator comes last
    return pc.binary_join_element_wise(*texts)


def chosen(pool: Sequence[str | None], index: Ints) -> Column:
    """Entries of a pool."""
    indexes: Any = pa.array(index)
    return pc.take(pa.array(pool, pa.string()), indexes)


_SPECIAL = r"[\\\t\n\r\x00]"
#: Order matters: the escape character itself first.
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0"))


def escaped(column: Column) -> Column:
    r"""Text as LOAD DATA wants it, NULL as ``\N``."""
    if not pc.any(pc.match_substring_regex(column, pattern=_SPECIAL)).as_py():
        return pc.fill_null(column, "\\N")
    clean = reduce(
        lambda text, pair: pc.replace_substring(text, pattern=pair[0], replacement=pair[1]),
        _ESCAPES,
        column,
    )
    return pc.fill_null(clean, "\\N")


def tab_separated(columns: Sequence[Column]) -> bytes:
    """Rows as LOAD DATA wants them.

    Args:
        columns: Text columns of the same length, in the table's order.
    """
    rows = pc.binary_join_element_wise(*[escaped(column) for column in columns], "\t")
    if not len(rows):
        return b""
    # The whole as one list of rows, so that Arrow joins it without a Python object for each.
    whole: Any = pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows)
    joined_rows: Any = pc.binary_join(whole, "\n")
    text: bytes = joined_rows[0].as_buffer().to_pybytes()
    return text + b"\n"
