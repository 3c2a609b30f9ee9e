"""Values that cannot be loaded: Redshift's codes and texts for them.

Sources: "Load error reference", "Multibyte character load errors", "STL_LOAD_ERRORS" in the Amazon
Redshift Database Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_stand_in.copy.target import Column

_TYPE_WORDS = {
    "int2": "Short",
    "int4": "Integer",
    "int8": "Long",
    "numeric": "Decimal",
    "float4": "Float",
    "float8": "Double",
    "bool": "Boolean",
    "varbyte": "Varbyte",
}


class BadValue(Exception):  # noqa: N818 - it is a value's fault, and caught row by row
    """A field or a record that cannot be loaded.

    Attributes:
        code: Redshift's load error code.
        reason: its text.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason[:100]


@dataclass(frozen=True)
class LoadError:
    """A row of STL_LOAD_ERRORS.

    Attributes:
        url: of the file.
        line: number of the line in it, from 1.
        column: the column, None when the whole record is wrong.
        raw_line: the record.
        raw_value: the field.
        code: load error code.
        reason: its text.
    """

    url: str
    line: int
    column: Column | None
    raw_line: str
    raw_value: str
    code: int
    reason: str


def too_long() -> BadValue:
    """A string that does not fit."""
    return BadValue(1204, "String length exceeds DDL length")


def not_single_byte(value: str) -> BadValue:
    """A multibyte character for a CHAR column."""
    bad = next(c for c in value if not c.isascii()).encode("utf-8", "surrogateescape").hex(" ")
    return BadValue(
        1220,
        f"Multibyte character not supported for CHAR (Hint: Try using VARCHAR). Invalid char: "
        f"{bad}",
    )


def invalid_utf8(value: str) -> BadValue:
    """Bytes that are not UTF-8."""
    raw = value.encode("utf-8", "surrogateescape")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        sequence = raw[error.start : error.start + 4].hex(" ")
        number = 3 if error.reason == "invalid start byte" else 2
        return BadValue(
            1220,
            f"String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: "
            f"{sequence} (error {number})",
        )
    return BadValue(1220, "String contains invalid or unsupported UTF8 codepoints.")


def invalid_digit(value: str, column: Column) -> BadValue:
    """A value that is not a number."""
    position = next((i for i, c in enumerate(value) if not (c.isdigit() or c in "+-. ")), 0)
    shown = value[position : position + 1]
    return BadValue(
        1207, f"Invalid digit, Value '{shown}', Pos {position}, Type: {_TYPE_WORDS[column.kind]}"
    )


def out_of_range(column: Column) -> BadValue:
    """A number too large for its column."""
    if column.kind == "numeric":
        return BadValue(1216, "Numeric data overflow (result precision)")
    return BadValue(1216, f"Overflow, Type: {_TYPE_WORDS[column.kind]}")


def invalid_date(length: int) -> BadValue:
    """A date that does not fit DATEFORMAT."""
    if length < 10:
        return BadValue(1205, "Invalid Date Format - length must be 10 or more")
    return BadValue(1205, "Invalid Date Format [YYYY-MM-DD]")


def invalid_timestamp() -> BadValue:
    """A timestamp that does not fit TIMEFORMAT."""
    return BadValue(1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]")


def invalid_json() -> BadValue:
    """Text that is not JSON, or is more than SUPER takes; the guide does not tell the code."""
    return BadValue(1200, "Invalid JSON for the type SUPER")


def missing() -> BadValue:
    """NULL for a NOT NULL column."""
    return BadValue(1213, "Missing data for not-null field")


def few_fields() -> BadValue:
    """A record that ends too early."""
    return BadValue(1203, "Delimiter not found")


def many_fields() -> BadValue:
    """A record with more fields than columns."""
    return BadValue(1202, "Extra column(s) found")


def bad_quotes() -> BadValue:
    """A quote where CSV allows none."""
    return BadValue(1214, "Invalid quote formatting for CSV")


def nul_character() -> BadValue:
    """0x00 ends a record."""
    return BadValue(1218, "Missing newline: Unexpected character 0x00 found")
