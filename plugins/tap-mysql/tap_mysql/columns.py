"""From a column to its SELECT expression, and from what ConnectorX gives to its Arrow type.

Each column has a fast form. Where that can fail on a legal value, the careful form reads it: zero
dates become NULL, text becomes bytes that are decoded here, and an extra column counts what was
changed. What ConnectorX 0.4.6 does with each type was tried value by value; see docs/types.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from tidemark_core.names import quote_mysql
from tidemark_core.types import ColumnType, to_arrow

from tap_mysql.decimals import Array, from_scaled, from_text
from tap_mysql.table import Column

#: DECIMAL(18,s) scaled by 10**s fits an int64.
_SCALED_DIGITS = 18
_DATES = frozenset({"date", "datetime", "timestamp"})
#: ConnectorX parses MySQL's JSON and writes it anew: other blanks, floats for long numbers.
_AS_TEXT = frozenset({"time", "uuid", "inet4", "inet6", "json"})
ZERO_DATE = "zero_date"
INVALID_TEXT = "invalid_utf8"
FLAG = "tidemark_changed_"


@dataclass(frozen=True)
class Plan:
    """How one column is read.

    Attributes:
        column: The column.
        fast: SELECT expression that reads every ordinary value.
        careful: SELECT expression that reads every legal value.
        flag: Expression that is 1 where ``careful`` turns a value into NULL; None for never.
    """

    column: Column
    fast: str
    careful: str
    flag: str | None = None

    @property
    def kind(self) -> ColumnType:
        if self.column.type is None:
            raise ValueError(self.column.name)
        return self.column.type

    @property
    def is_text(self) -> bool:
        return self.kind.kind == "string" and self.careful != self.fast

    def finish(self, values: Array) -> Array:
        """Gives an array from ConnectorX the column's own Arrow type.

        Raises:
            pyarrow.ArrowInvalid: A value does not fit, which means that the type was misread.
        """
        kind, arrow = self.kind, to_arrow(self.kind)
        if kind.kind == "decimal" and self.column.data_type == "decimal":
            if pa.types.is_integer(values.type):
                return from_scaled(values, arrow)
            return from_text(values, arrow)
        if values.type == arrow:
            return values
        return values.cast(arrow)


def plan(column: Column) -> Plan:
    """Decides how a column of a known type is read."""
    name, data_type, kind = quote_mysql(column.name), column.data_type, column.type
    if kind is None:
        raise ValueError(f"column {column.name} has no type")
    if data_type == "decimal":
        return _same(column, _decimal(name, kind))
    if data_type == "bit":
        return _same(column, f"CAST({name} AS UNSIGNED)")
    if data_type in _AS_TEXT:
        return _same(column, f"CAST({name} AS CHAR)")
    if data_type in _DATES:
        bad = bad_date(name)
        return Plan(column, name, f"IF({bad}, NULL, {name})", bad)
    if kind.kind == "string":
        return Plan(column, name, _bytes(name, column))
    if kind.kind == "binary" and data_type not in _BINARY:
        return _same(column, f"ST_AsBinary({name})")
    return _same(column, name)


_BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})


def _same(column: Column, expression: str) -> Plan:
    return Plan(column, expression, expression)


def _decimal(name: str, kind: ColumnType) -> str:
    # ConnectorX rounds to scale 10 and gives up beyond 28 digits; integers and text are exact.
    if kind.kind == "decimal" and kind.precision is not None and kind.precision <= _SCALED_DIGITS:
        factor = f" * {10**kind.scale}" if kind.scale else ""
        return f"CAST({name}{factor} AS SIGNED)"
    return f"CAST({name} AS CHAR)"


def bad_date(name: str) -> str:
    """Condition for a date that no calendar has: zero in any part, or 30 February."""
    return (
        f"({name} IS NOT NULL AND (YEAR({name}) = 0 OR MONTH({name}) = 0 OR DAYOFMONTH({name}) = 0"
        f" OR DAYOFMONTH({name}) > DAYOFMONTH(LAST_DAY(CONCAT(YEAR({name}), '-', MONTH({name}), "
        f"'-01')))))"
    )


def _bytes(name: str, column: Column) -> str:
    """The text's bytes as UTF-8, whatever they are; other character sets are converted first."""
    if column.character_set in (None, "utf8", "utf8mb3", "utf8mb4", "ascii", "binary"):
        return f"CAST({name} AS BINARY)"
    return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY)"


def decode(values: Array) -> tuple[Array, list[int]]:
    """Reads bytes as UTF-8; bytes that are not become U+FFFD.

    Returns:
        The text, and the positions of the values that were changed.
    """
    data = values.cast(pa.binary()) if values.type != pa.binary() else values
    try:
        return data.cast(pa.string()), []
    except pa.ArrowInvalid:
        changed: list[int] = []
        texts: list[str | None] = []
        for position, value in enumerate(data.to_pylist()):
            if value is None:
                texts.append(None)
                continue
            text = value.decode("utf-8", errors="replace")
            if text.encode() != value:
                changed.append(position)
            texts.append(text)
        return pa.array(texts, pa.string()), changed


def flagged(flags: Array) -> list[int]:
    """Positions where a flag column is 1."""
    return [position for position, flag in enumerate(flags.to_pylist()) if flag]
