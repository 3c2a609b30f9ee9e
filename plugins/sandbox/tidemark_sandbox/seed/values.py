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
#: An Arrow string array, one entry a row, null where MySQL is to have NULL.
Column = Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def generator(seed: int, *path: int) -> np.random.Generator:
    """A stream of random numbers that depends on the seed and on nothing but its path."""
    return np.random.default_rng([seed, *path])


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
    return pc.strftime(pa.array(values, pa.timestamp("s")), format="%Y-%m-%d %H:%M:%S")


def dates(values: Ints, form: str = "%Y-%m-%d") -> Column:
    """Seconds since 1970 as the text of their day, or of their month with another form."""
    return pc.strftime(pa.array(values, pa.timestamp("s")), format=form)


def padded(values: Ints, width: int) -> Column:
    """Whole numbers as text with leading zeros."""
    return pc.utf8_lpad(integers(values), width=width, padding="0")


def joined(parts: Sequence[Column | str]) -> Column:
    """Columns and constants one after the other."""
    return pc.binary_join_element_wise(*parts, "")


def chosen(pool: Sequence[str | None], index: Ints) -> Column:
    """Entries of a pool."""
    return pc.take(pa.array(pool, pa.string()), pa.array(index))


def picked(random: np.random.Generator, count: int, weights: Sequence[float]) -> Ints:
    """Indexes, each as often as its weight says."""
    share = np.asarray(weights, dtype=float)
    return random.choice(len(share), size=count, p=share / share.sum()).astype(np.int64)


def some(random: np.random.Generator, count: int, share: float) -> Bools:
    """True for about ``share`` of the rows."""
    flags: Bools = random.random(count) < share
    return flags


#: Order matters: the escape character itself first.
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0"))


def escaped(column: Column) -> Column:
    r"""Text as LOAD DATA wants it, NULL as ``\N``."""
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
    whole = pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows)
    text: bytes = pc.binary_join(whole, "\n")[0].as_buffer().to_pybytes()
    return text + b"\n"
