r"""Arrow columns to CSV that Redshift's COPY reads back exactly.

How NULL, ``''``, ``'NULL'`` and ``'\N'`` stay four different values
(https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-conversion.html): COPY loads a
field that equals the NULL AS text as NULL, and does not say whether quotes protect a field from
that comparison; an empty field is ``''`` for a text column as long as EMPTYASNULL is absent. So
NULL is written, without quotes, as a marker that no value of the load equals: whichever way COPY
compares, the outcome is the same. Every text is written in quotes, also the empty one.
"""

from __future__ import annotations

import io
import secrets
from decimal import Decimal

import numpy as np
import pyarrow as pa
from pyarrow import csv

from target_redshift.arrow import Array, WriteOptions, data_of, offsets_of, pc
from target_redshift.staging.value_fitter import holds_byte

#: Tried first: people who look at a staged file understand it.
NULL_MARKER = "@NULL@"
_ROWS_AT_ONCE = 4_096
#: Arrow writes decimals below 1E-6 (zero too, by its scale) with an exponent, which COPY refuses.
_PLAIN_SCALE = 6
_PLAIN_LEAST = Decimal("0.000001")


class MarkerCollisionError(Exception):
    """A value equals the NULL marker; the load is staged again with another one."""


def other_marker() -> str:
    """A marker that no data can have foreseen."""
    return f"@NULL-{secrets.token_hex(8)}@"


def encode(arrays: list[Array], marker: str) -> bytes:
    """Writes rows as CSV: comma, double quotes, line feed; no header.

    Args:
        arrays: Columns, all of one length. Binary ones are written as hexadecimal digits
            (https://docs.aws.amazon.com/redshift/latest/dg/copy-usage-varbyte.html).
        marker: Text of NULL.

    Raises:
        MarkerCollisionError: A text equals the marker.
    """
    columns = []
    for array in arrays:
        if pa.types.is_binary(array.type):
            columns.append(to_hex(array))
        elif pa.types.is_floating(array.type):
            columns.append(_floats(array))
        elif pa.types.is_decimal(array.type) and array.type.scale > _PLAIN_SCALE:
            columns.append(_small_decimals(array))
        else:
            if pa.types.is_string(array.type):
                _check_marker(array, marker)
            columns.append(array)
    batch = pa.RecordBatch.from_arrays(columns, names=[str(i) for i in range(len(columns))])
    out = io.BytesIO()
    options = WriteOptions(
        include_header=False, null_string=marker, batch_size=_ROWS_AT_ONCE, quoting_style="needed"
    )
    csv.write_csv(batch, out, options)
    return out.getvalue()


def _check_marker(array: Array, marker: str) -> None:
    # One rare byte first: comparing every value gives the same answer, but more slowly.
    if holds_byte(array, ord("@")) and pc.any(pc.equal(array, marker)).as_py():
        raise MarkerCollisionError(marker)


def to_hex(array: Array) -> Array:
    """Hexadecimal digits of binary values, as text; NULL stays NULL."""
    offsets = offsets_of(array)
    digits = pa.Array.from_buffers(
        pa.string(),
        len(array),
        [
            None,
            pa.py_buffer((offsets - offsets[0]) * np.int32(2)),
            pa.py_buffer(data_of(array).hex().encode()),
        ],
    )
    return pc.if_else(pc.is_valid(array), digits, pa.scalar(None, pa.string()))


def _floats(array: Array) -> Array:
    """Spells what is not finite as Redshift does; the rest is written with enough digits."""
    finite = pc.all(pc.fill_null(pc.is_finite(array), True)).as_py()
    if finite is None or finite:
        return array
    text = array.cast(pa.string())
    text = pc.if_else(pc.fill_null(pc.is_nan(array), False), "NaN", text)
    for sign, name in ((1, "Infinity"), (-1, "-Infinity")):
        infinite = pc.and_(pc.is_inf(array), pc.equal(pc.sign(array), sign))
        text = pc.if_else(pc.fill_null(infinite, False), name, text)
    return text


def _small_decimals(array: Array) -> Array:
    """Writes out the decimals that Arrow would write with an exponent."""
    least = pa.scalar(_PLAIN_LEAST, pa.decimal128(array.type.precision, array.type.scale))
    small = pc.fill_null(pc.less(pc.abs(array), least), False)
    if not pc.any(small).as_py():
        return array
    plain = [format(value, "f") for value in array.filter(small).to_pylist()]
    return pc.replace_with_mask(array.cast(pa.string()), small, pa.array(plain, pa.string()))
