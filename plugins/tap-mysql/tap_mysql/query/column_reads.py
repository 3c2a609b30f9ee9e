"""From a column to the SQL that reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tidemark_core.names import quote_mysql
from tidemark_core.types.column_type import ColumnType

from tap_mysql.source.schema import Column

#: Character sets whose every text can be read back from its UTF-8. In others (cp932, gbk, euckr)
#: two texts may share one, and a code without a character becomes a question mark, as do the bytes
#: beyond 0x7F that MariaDB keeps in ascii. A lone surrogate of ucs2 has no UTF-8.
_REVERSIBLE = frozenset({"binary", "latin1", "utf16", "utf16le", "utf32", "utf8",
                         "utf8mb3", "utf8mb4"})  # fmt: skip
#: Of the others, those in which U+FFFD is a character like any other.
_HAVE_REPLACEMENT = frozenset({"gb18030", "ucs2"})
#: Read as raw bytes. The server would send them in utf8mb4, with a question mark for each invalid
#: byte; so does MariaDB with CAST(… AS BINARY) in a prepared statement.
_UTF8MB3 = frozenset({"utf8", "utf8mb3"})
FLAG = "tidemark_changed_"


@dataclass(frozen=True)
class Plan:
    """How one column is read.

    Attributes:
        column: The column.
        expression: What a SELECT asks for.
        exact: A text, or a number, that captures a value fully; for comparing rows on the server.
        flag: Expression that shows a text which UTF-8 does not keep, NULL for others; None if there
            is no such text.
    """

    column: Column
    expression: str
    exact: str
    flag: str | None = None

    @property
    def kind(self) -> ColumnType:
        if self.column.type is None:
            raise ValueError(self.column.name)
        return self.column.type


def plan(column: Column, *, is_key: bool = False) -> Plan:
    """Decides how a column of a known type is read.

    Args:
        column: The column.
        is_key: Whether its values may not change on the way.
    """
    name, data_type, kind = quote_mysql(column.name), column.data_type, column.type
    if kind is None:
        raise ValueError(f"column {column.name} has no type")
    if data_type == "bit":
        return Plan(column, name, f"CAST({name} AS UNSIGNED)")
    if data_type == "float":
        return Plan(column, name, f"{name} + 0e0")  # its text has six digits
    if data_type in _AS_TEXT:
        return Plan(column, name, f"CAST({name} AS CHAR)")
    if kind.kind == "string" and data_type != "decimal":
        read = f"CONVERT({name} USING binary)" if column.character_set in _UTF8MB3 else name
        shown = _other(name, column, _is_reversible if is_key else _is_whole)
        return Plan(column, read, _bytes(name, column), shown)
    if kind.kind == "binary" and data_type not in _BINARY:
        # Exact is what is stored: MariaDB's well-known binary is NULL for the empty geometry that
        # ADD COLUMN … NOT NULL gives to existing rows.
        return Plan(column, f"ST_AsBinary({name})", name)
    return Plan(column, name, name)


_AS_TEXT = frozenset({"time", "uuid", "inet4", "inet6", "json"})
_BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})


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
    """Expression for the bytes of a text that UTF-8 does not keep; None if it keeps all.

    Args:
        name: The column, quoted.
        column: The column.
        is_kept: Makes the condition for a text that is kept, from the column, its UTF-8 and its
            character set.
    """
    if column.character_set is None or column.character_set in _REVERSIBLE:
        return None
    kept = is_kept(name, f"CONVERT({name} USING utf8mb4)", column.character_set)
    return f"IF({name} IS NULL OR ({kept}), NULL, CONCAT('0x', HEX({name})))"


def _is_reversible(name: str, there: str, character_set: str) -> str:
    """Condition for a text that can be restored from its UTF-8, byte by byte."""
    back = f"CONVERT({there} USING {character_set})"
    return f"CAST({back} AS BINARY) = CAST({name} AS BINARY)"


def _is_whole(name: str, there: str, character_set: str) -> str:
    """Condition for a text whose UTF-8 has no added question marks, and no U+FFFD.

    A tis620 code without a character becomes U+FFFD.
    """
    kept = f"{_question_marks(there)} = {_question_marks(name)}"
    if character_set in _HAVE_REPLACEMENT:
        return kept
    return f"{kept} AND LOCATE(X'EFBFBD', CAST({there} AS BINARY)) = 0"


def _question_marks(text: str) -> str:
    return f"CHAR_LENGTH({text}) - CHAR_LENGTH(REPLACE({text}, '?', ''))"
