"""From a column to its SELECT expression, and from what ConnectorX gives to its Arrow type.

Each column has a fast form. Where that can fail on a legal value, the careful form reads it: zero
dates become NULL, text becomes bytes that are decoded here, and an extra column shows what was
changed. What ConnectorX 0.4.6 does with each type was tried value by value; see docs/types.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
from tidemark_core.names import quote_mysql
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import ColumnType

from tap_mysql.source.schema import DATES, Column
from tap_mysql.values.decimals import Array, from_scaled, from_text

#: DECIMAL(18,s) scaled by 10**s fits an int64.
_SCALED_DIGITS = 18
#: ConnectorX parses MySQL's JSON and writes it anew: other blanks, floats for long numbers.
_AS_TEXT = frozenset({"time", "uuid", "inet4", "inet6", "json"})
#: Character sets whose every text can be read back from its UTF-8. In others (cp932, gbk, euckr)
#: two texts may have one, and a code without a character becomes a question mark, as do the bytes
#: beyond 0x7F that MariaDB keeps in ascii. Half a surrogate of ucs2 becomes NULL on MySQL.
_REVERSIBLE = frozenset({"binary", "latin1", "utf16", "utf16le", "utf32", "utf8",
                         "utf8mb3", "utf8mb4"})  # fmt: skip
#: Of the others, those in which U+FFFD is a character like any other.
_HAVE_REPLACEMENT = frozenset({"gb18030", "ucs2"})
ZERO_DATE = "zero_date"
INVALID_TEXT = "invalid_utf8"
OTHER_TEXT = "other_text"
FLAG = "tidemark_changed_"


@dataclass(frozen=True)
class Plan:
    """How one column is read.

    Attributes:
        column: The column.
        fast: SELECT expression that reads every ordinary value.
        careful: SELECT expression that reads every legal value.
        flag: Expression that shows a value which is changed on the way, NULL otherwise: a date
            that ``careful`` turns into NULL, or text of a character set that UTF-8 does not keep;
            None: there is none such.
    """

    column: Column
    fast: str
    careful: str
    flag: str | None = None

    def is_flagged(self, *, careful: bool) -> bool:
        """Whether a query has the column of ``flag``: the fast one fails at a bad date anyway."""
        return self.flag is not None and (careful or self.kind.kind == "string")

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


def plan(column: Column, *, is_key: bool = False) -> Plan:
    """Decides how a column of a known type is read.

    Args:
        column: The column.
        is_key: Whether its values may not change on the way.
    """
    name, data_type, kind = quote_mysql(column.name), column.data_type, column.type
    if kind is None:
        raise ValueError(f"column {column.name} has no type")
    if data_type == "decimal":
        return _same(column, _decimal(name, kind))
    if data_type == "bit":
        return _same(column, f"CAST({name} AS UNSIGNED)")
    if data_type in _AS_TEXT:
        return _same(column, f"CAST({name} AS CHAR)")
    if data_type in DATES:
        bad = bad_date(name)
        shown = f"IF({bad}, CAST({name} AS CHAR), NULL)"
        return Plan(column, name, f"IF({bad}, NULL, {name})", shown)
    if kind.kind == "string":
        other = _other(name, column, _is_reversible if is_key else _is_whole)
        return Plan(column, name, _bytes(name, column), other)
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
    if column.character_set in (None, "utf8", "utf8mb3", "utf8mb4", "binary"):
        return f"CAST({name} AS BINARY)"
    return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY)"


def _other(name: str, column: Column, is_kept: Callable[[str, str, str], str]) -> str | None:
    """Shows the bytes of a text that UTF-8 does not keep; None: it keeps all.

    Args:
        name: The column, quoted.
        column: The column.
        is_kept: Makes the condition of a text that is kept, of the column, its UTF-8 and its
            character set.
    """
    if column.character_set is None or column.character_set in _REVERSIBLE:
        return None
    kept = is_kept(name, f"CONVERT({name} USING utf8mb4)", column.character_set)
    return f"IF({name} IS NULL OR ({kept}), NULL, CONCAT('0x', HEX({name})))"


def _is_reversible(name: str, there: str, character_set: str) -> str:
    """Condition of a text that its UTF-8 gives back, byte by byte."""
    back = f"CONVERT({there} USING {character_set})"
    return f"CAST({back} AS BINARY) = CAST({name} AS BINARY)"


def _is_whole(name: str, there: str, character_set: str) -> str:
    """Condition of a text whose UTF-8 has no more question marks than it has, and no U+FFFD.

    That is what stands in tis620 for a code without a character.
    """
    kept = f"{_question_marks(there)} = {_question_marks(name)}"
    if character_set in _HAVE_REPLACEMENT:
        return kept
    return f"{kept} AND LOCATE(X'EFBFBD', CAST({there} AS BINARY)) = 0"


def _question_marks(text: str) -> str:
    return f"CHAR_LENGTH({text}) - CHAR_LENGTH(REPLACE({text}, '?', ''))"


def decode(values: Array) -> tuple[Array, dict[int, str]]:
    """Reads bytes as UTF-8; bytes that are not become U+FFFD.

    Returns:
        The text, and by their positions the values that were changed, as people can read them.
    """
    data = values.cast(pa.binary()) if values.type != pa.binary() else values
    try:
        return data.cast(pa.string()), {}
    except pa.ArrowInvalid:
        changed: dict[int, str] = {}
        texts: list[str | None] = []
        for position, value in enumerate(data.to_pylist()):
            if value is None:
                texts.append(None)
                continue
            text = value.decode("utf-8", errors="replace")
            if text.encode() != value:
                changed[position] = value.decode("utf-8", errors="backslashreplace")
            texts.append(text)
        return pa.array(texts, pa.string()), changed


def flagged(flags: Array) -> dict[int, str]:
    """What a flag column shows, by position."""
    return {row: shown for row, shown in enumerate(flags.to_pylist()) if shown is not None}
