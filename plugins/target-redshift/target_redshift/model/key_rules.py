"""Keys that the warehouse would alter or confuse with another key. Pure.

A key is never changed on the way: where it would be, or where two keys of the source would be one
in the warehouse, the table stops. Redshift holds no NUL in text, loads an empty field as NULL for
every type but text (EMPTYASNULL in
https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-conversion.html), and does not
count trailing blanks when it compares ("Significance of trailing blanks" in
https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html).
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from tidemark_core.names import quote_redshift

from target_redshift.arrow import Array, pc
from target_redshift.model.landing_table import Column

_IS_NULL = "a key is NULL: in the warehouse, all rows without a key would be the same row"
_HAS_NUL = "a key holds a NUL character, which Redshift cannot store; without it, the key differs"
_HAS_BLANK = "a key ends in a blank, which Redshift ignores when comparing keys"
_IS_EMPTY = "a key is an empty binary value, which COPY loads from CSV as NULL"


def unfit_key(array: Array, column: Column) -> tuple[int, str] | None:
    """Looks for a key that cannot be loaded unchanged.

    Args:
        array: Values of a key's column, in its own type.
        column: The column.

    Returns:
        Number of the first row that has one, and why; None: there is none.
    """
    for found, why in _faults(array, column):
        row = pc.index(pc.fill_null(found, False), True).as_py()
        if row >= 0:
            return row, why
    return None


def _faults(array: Array, column: Column) -> list[tuple[Array, str]]:
    faults = [(pc.is_null(array), _IS_NULL)] if array.null_count else []
    if pa.types.is_string(array.type):
        faults.append((pc.match_substring(array, "\0"), _HAS_NUL))
        if not column.padded:
            faults.append((pc.ends_with(array, " "), _HAS_BLANK))
    elif pa.types.is_binary(array.type):
        faults.append((pc.equal(pc.binary_length(array), 0), _IS_EMPTY))
    return faults


def _readable(key: Column) -> str:
    """A key as the driver can read it: it decodes VARBYTE as UTF-8, which few values are."""
    name = quote_redshift(key.name)
    return f"UPPER(TO_HEX({name}))" if key.type.kind == "binary" else name


def unfit_rows(table: str, keys: Sequence[Column]) -> str:
    """SELECT of a copied row whose key cannot stay the same: a NULL or a trailing blank.

    Args:
        table: Where the rows are, quoted.
        keys: Columns of the key.
    """
    some = [f"{quote_redshift(key.name)} IS NULL" for key in keys]
    some += [
        f"OCTET_LENGTH({name}) <> OCTET_LENGTH(RTRIM({name}, ' '))"
        for name in (quote_redshift(key.name) for key in keys if key.is_text and not key.padded)
    ]
    listed = ", ".join(_readable(key) for key in keys)
    return f"SELECT {listed} FROM {table} WHERE {' OR '.join(some)} LIMIT 1"
