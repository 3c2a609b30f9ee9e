"""A column's value as one text that MySQL and the warehouse write alike, and hashes of it. Pure.

Floats have no such text: Redshift writes 15 digits of a DOUBLE, MySQL as many as it takes. They are
compared as the numbers that the drivers read, bit by bit. SUPER columns have none either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tap_mysql.query.column_reads import bad_date
from tidemark_core.names import fold, quote_redshift
from tidemark_core.types.column_type import ColumnType

from tidemark.services.compare.super_values import copied_meaning, source_meaning
from tidemark.source.quoting import mysql_name

INTEGERS = frozenset({"int8", "int16", "int32", "int64"})
FLOATS = frozenset({"float32", "float64"})
_DATES = frozenset({"date", "timestamp"})
_LONG = frozenset({"string", "json", "binary"})
_PLAIN_BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
#: Most bytes whose hexadecimal digits fit into a VARCHAR of the warehouse; of a longer value only
#: the length is compared.
LONGEST_BINARY = 32_767
#: As many hexadecimal digits of a hash give a number that neither server takes for negative.
_DIGITS = 15
#: Hexadecimal digits of a text's hash, so that those of 1,600 columns fit into a VARCHAR.
_HASH_DIGITS = 32
_NULL, _SEPARATOR = "'~'", "'|'"


@dataclass(frozen=True)
class Column:
    """A column that both servers have.

    Attributes:
        name: As the source spells it.
        kind: Its type in the lake.
        data_type: MySQL's own type; empty where it makes no difference.
        held: What is in it, JSON or text, if the copy has it as SUPER; None: it has not.
    """

    name: str
    kind: ColumnType
    data_type: str = ""
    held: str | None = None

    @property
    def is_float(self) -> bool:
        """Whether it is compared as a number."""
        return self.kind.kind in FLOATS

    @property
    def is_fetched(self) -> bool:
        """Whether its values are fetched from both servers, which hash them differently or not."""
        return self.is_float or self.held is not None

    @property
    def may_be_long(self) -> bool:
        """Whether it may hold more bytes than can be compared."""
        length = self.kind.length
        return self.kind.kind == "binary" and (length is None or length > LONGEST_BINARY)

    def mysql(self) -> str:
        """Its text in MySQL."""
        return mysql_text(self.bytes_in_mysql(), self.kind)

    def bytes_in_mysql(self) -> str:
        """Itself; of geometry the well-known binary, which is what the lake has."""
        name = mysql_name(self.name)
        if self.kind.kind == "binary" and self.data_type not in {"", *_PLAIN_BINARY}:
            return f"ST_AsBinary({name})"
        return name

    def fetched_from_mysql(self) -> str:
        """Its text or number, in double precision: MySQL writes six digits of a FLOAT."""
        name = mysql_name(self.name)
        if self.held is not None:
            return self.mysql()
        return f"{name} * 1e0" if self.kind.kind == "float32" else name

    def source_meaning(self, value: Any) -> str:
        """A value that was fetched from MySQL, in a form that is equal for equal values."""
        return repr(value) if self.held is None else source_meaning(value, self.held)

    def copied_meaning(self, value: Any) -> str:
        """The same of a value that was fetched from the warehouse."""
        return repr(value) if self.held is None else copied_meaning(value)

    def redshift(self) -> str:
        """Its text in the warehouse."""
        return redshift_text(self.copied, self.kind)

    @property
    def copied(self) -> str:
        """Its quoted name in the warehouse."""
        return quote_redshift(fold(self.name))


def mysql_text(column: str, kind: ColumnType) -> str:
    """A value's text in MySQL.

    Args:
        column: The quoted column.
        kind: Its type.
    """
    if kind.kind in ("string", "json"):
        # A load removes NUL characters.
        text = f"CAST({column} AS CHAR CHARACTER SET utf8mb4)"
        return f"replace({text}, char(0 USING utf8mb4), '')"
    if kind.kind == "binary":
        return f"hex({column})"
    if kind.kind == "timestamp":
        return f"CAST(CAST({column} AS DATETIME(6)) AS CHAR)"
    # Added to 0, BIT and YEAR are numbers, and ZEROFILL has no effect.
    return f"CAST({column} AS CHAR)" if kind.kind == "date" else f"CAST({column} + 0 AS CHAR)"


_NUMBER = "CAST({} AS VARCHAR(42))"
_IN_REDSHIFT = {
    **dict.fromkeys((*INTEGERS, "decimal"), _NUMBER),
    "string": "{}",
    "json": "{}",
    "binary": "upper(to_hex({}))",
    "boolean": "CASE WHEN {0} THEN '1' WHEN NOT {0} THEN '0' END",
    "date": "to_char({}, 'YYYY-MM-DD')",
    "timestamp": "to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')",
}


def redshift_text(column: str, kind: ColumnType) -> str:
    """The same in the warehouse."""
    return _IN_REDSHIFT[kind.kind].format(column)


def mysql_number(text: str) -> str:
    """A text's hash in MySQL, as a number below 2^60."""
    return f"CAST(conv(left(sha2({text}, 256), {_DIGITS}), 16, 10) AS UNSIGNED)"


def redshift_number(text: str) -> str:
    """The same in the warehouse."""
    return f"CAST(strtol(substring(sha2({text}, 256), 1, {_DIGITS}), 16) AS NUMERIC(38,0))"


def mysql_row(columns: Sequence[Column]) -> str:
    """The text of a row in MySQL: all columns that are hashed; long values as their hashes."""
    return f"concat_ws({_SEPARATOR}, {', '.join(map(mysql_part, columns))})"


def redshift_row(columns: Sequence[Column]) -> str:
    """The same in the warehouse."""
    return f" || {_SEPARATOR} || ".join(map(redshift_part, columns))


def mysql_part(column: Column) -> str:
    """What a column adds to its row's text; never NULL. Dates that no calendar has are NULL."""
    text = column.mysql()
    if column.kind.kind in _LONG:
        text = f"left(sha2({text}, 256), {_HASH_DIGITS})"
    if column.kind.kind in _DATES:
        text = f"IF({bad_date(mysql_name(column.name))}, NULL, {text})"
    if column.may_be_long:
        length = f"length({column.bytes_in_mysql()})"
        text = f"IF({length} <= {LONGEST_BINARY}, {text}, {length})"
    return f"coalesce({text}, {_NULL})"


def redshift_part(column: Column) -> str:
    """The same in the warehouse."""
    text = column.redshift()
    if column.kind.kind in _LONG:
        text = f"lower(substring(sha2({text}, 256), 1, {_HASH_DIGITS}))"
    if column.may_be_long:
        length = f"octet_length({column.copied})"
        long = f"CAST({length} AS VARCHAR(42))"
        text = f"CASE WHEN {length} <= {LONGEST_BINARY} THEN {text} ELSE {long} END"
    return f"coalesce({text}, {_NULL})"
