"""Compression encodings, and the types of the columns that take them.

Source: "Compression encodings" in the Amazon Redshift Database Developer Guide. TIME, TIMETZ and
VARBYTE are not in its table: such a column takes every encoding here.
"""

from __future__ import annotations

from redshift_stand_in.errors import SYNTAX_ERROR, StatementError
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.words import words

_WHOLE = words("SMALLINT INT2 INTEGER INT INT4 BIGINT INT8")
_FLOATS = words("REAL FLOAT4 DOUBLE FLOAT FLOAT8")
_BOOLEANS = words("BOOLEAN BOOL")
_DECIMALS = words("DECIMAL NUMERIC")
_TIMES = words("DATE TIMESTAMP TIMESTAMPTZ DATETIME")
_VARCHARS = words("VARCHAR NVARCHAR TEXT")
_STRINGS = _VARCHARS | words("CHAR NCHAR BPCHAR CHARACTER NATIONAL")
_SUPER = words("SUPER")
#: What the guide's table speaks of.
_KNOWN = _WHOLE | _FLOATS | _BOOLEANS | _DECIMALS | _TIMES | _STRINGS | _SUPER
_NUMBERS = _WHOLE | _DECIMALS
_SMALL = words("SMALLINT INT2")
_LARGE = words("BIGINT INT8") | _DECIMALS

_TYPES = {
    "RAW": _KNOWN,
    "AUTO": _KNOWN,
    "ZSTD": _KNOWN,
    "RUNLENGTH": _KNOWN - _SUPER,
    "AZ64": _NUMBERS | _TIMES,
    "BYTEDICT": _KNOWN - _BOOLEANS - _SUPER,
    "DELTA": _NUMBERS | _TIMES,
    "DELTA32K": (_NUMBERS | _TIMES) - _SMALL,
    "LZO": _KNOWN - _BOOLEANS - _FLOATS,
    "MOSTLY8": _NUMBERS,
    "MOSTLY16": _NUMBERS - _SMALL,
    "MOSTLY32": _LARGE,
    "TEXT255": _VARCHARS,
    "TEXT32K": _VARCHARS,
}


def encoding(sql: Sql, index: int, type_index: int | None = None) -> str:
    """The encoding that stands at a token, in small letters.

    Args:
        sql: the statement.
        index: of the encoding.
        type_index: of the first word of the column's type, where the statement says it.

    Raises:
        StatementError: there is no such encoding, or a column of that type does not take it.
    """
    word = sql.norm(index)
    if word not in _TYPES:
        raise StatementError(f'unknown encoding "{sql.near(index)}"', SYNTAX_ERROR)
    if type_index is not None:
        _check(sql, type_index, word)
    return word.lower()


def check(column_type: str, code: str) -> None:
    """Sees that a column takes an encoding.

    Args:
        column_type: the column's, in SQL.
        code: the encoding, in small letters.

    Raises:
        StatementError: it does not.
    """
    _check(Sql(column_type), 0, code.upper())


def _check(sql: Sql, index: int, word: str) -> None:
    kind = sql.norm(index)
    if kind in ("CHARACTER", "NATIONAL") and "VARYING" in sql.norms(index + 1, 2):
        kind = "VARCHAR"
    if kind in _KNOWN and kind not in _TYPES[word]:
        raise StatementError(
            f"invalid encoding type specified for column: {sql.near(index).lower()} does not "
            f"take {word.lower()}"
        )
