"""One field at a time: the value for PostgreSQL, or why Redshift would not load it.

Source: "Data conversion parameters" and "DATEFORMAT and TIMEFORMAT strings" in the Amazon Redshift
Database Developer Guide.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal

from redshift_stand_in.copy import failures
from redshift_stand_in.copy.failures import BadValue
from redshift_stand_in.copy.target import Column
from redshift_stand_in.copy.text import super_values
from redshift_stand_in.copy.text.dates import AUTO_DATES, AUTO_TIMES, read_as
from redshift_stand_in.options.options import Options

_INTEGER = re.compile(r"[+-]?\d+")
_DECIMAL = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?")
_FLOAT = re.compile(
    r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|infinity|nan)", re.I
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)?")
_ZONED = re.compile(_TIMESTAMP.pattern + r"(?:\s?(?:[+-]\d{2}(?::?\d{2})?|Z|UTC))?")
_TIME = re.compile(r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:[+-]\d{2}(?::?\d{2})?)?")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_TRUE = frozenset(("t", "true", "y", "yes", "1"))
_FALSE = frozenset(("f", "false", "n", "no", "0"))
_BITS = {"int2": 15, "int4": 31, "int8": 63}
_WIDE = Context(prec=120)
_MAX_REAL = 3.4028235e38


def convert(value: str, *, quoted: bool, column: Column, options: Options) -> str | None:
    """The value that is loaded; None is NULL.

    Args:
        value: the field; bytes that are not UTF-8 are surrogates.
        quoted: whether it stood in quotes.
        column: its column.
        options: of the COPY.

    Raises:
        BadValue: it cannot be loaded.
    """
    loaded = _convert(value, quoted, column, options)
    if loaded is None and column.not_null:
        raise failures.missing()
    return loaded


def absent(column: Column, options: Options) -> str | None:
    """The value of a field that a short record lacks (FILLRECORD): NULL, or '' for a VARCHAR.

    Raises:
        BadValue: the column is NOT NULL.
    """
    if column.kind == "varchar" and not options.empty_as_null:
        return ""
    if column.not_null:
        raise failures.missing()
    return None


def _convert(value: str, quoted: bool, column: Column, options: Options) -> str | None:
    if options.null and value == options.null:
        return None
    if column.is_character:
        return _character(value, quoted, column, options)
    value = value.strip()
    if not value:
        return None
    return _CONVERTERS[column.kind](value, column, options)


def _character(value: str, quoted: bool, column: Column, options: Options) -> str | None:
    if not value:
        return None if options.empty_as_null and not quoted else ""
    if "BLANKSASNULL" in options and not value.strip():
        return None
    if "TRIMBLANKS" in options and column.kind == "varchar":
        value = value.rstrip(" ")
    if any("\udc80" <= c <= "\udcff" for c in value):
        if "ACCEPTINVCHARS" not in options or column.kind != "varchar":
            raise failures.invalid_utf8(value)
        replacement = options.values["ACCEPTINVCHARS"]
        value = "".join(replacement if "\udc80" <= c <= "\udcff" else c for c in value)
    if column.kind == "bpchar" and not value.isascii():
        raise failures.not_single_byte(value)
    encoded = value.encode()
    if column.length and len(encoded) > column.length:
        if column.kind == "bpchar" and len(encoded.rstrip(b" ")) <= column.length:
            return value.rstrip(" ")
        if "TRUNCATECOLUMNS" not in options:
            raise failures.too_long()
        value = encoded[: column.length].decode("utf-8", "ignore")
    return value


def _integer(value: str, column: Column, _: Options) -> str:
    if not _INTEGER.fullmatch(value):
        raise failures.invalid_digit(value, column)
    limit = 1 << _BITS[column.kind]
    if not -limit <= int(value) < limit:
        raise failures.out_of_range(column)
    return value


def _decimal(value: str, column: Column, options: Options) -> str:
    match = _DECIMAL.fullmatch(value)
    if not match or not (match[2] or match[3]):
        raise failures.invalid_digit(value, column)
    if column.modifier < 4:
        return value
    sign, whole, fraction = match[1], match[2] or "0", match[3] or ""
    if len(fraction) > column.scale:
        if "ROUNDEC" in options:
            step = Decimal(1).scaleb(-column.scale)
            number = Decimal(f"{sign}{whole}.{fraction}")
            rounded = str(number.quantize(step, ROUND_HALF_UP, _WIDE))
            sign = "-" if rounded.startswith("-") else ""
            whole, _, fraction = rounded.lstrip("-").partition(".")
        else:
            fraction = fraction[: column.scale]
    if len(whole.lstrip("0")) > column.precision - column.scale:
        raise failures.out_of_range(column)
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _float(value: str, column: Column, _: Options) -> str:
    if not _FLOAT.fullmatch(value):
        raise failures.invalid_digit(value, column)
    number = float(value)
    plain = value.lower().lstrip("+-")[:3] not in ("inf", "nan")
    too_large = math.isinf(number) or (column.kind == "float4" and abs(number) > _MAX_REAL)
    too_small = number == 0 and any(c in "123456789" for c in value.lower().partition("e")[0])
    if plain and (too_large or too_small):
        raise failures.out_of_range(column)
    return value


def _boolean(value: str, _: Column, __: Options) -> str:
    lowered = value.lower()
    if lowered not in _TRUE | _FALSE:
        raise BadValue(1210, f"Invalid boolean value: {value}")
    return "t" if lowered in _TRUE else "f"


def _date(value: str, _: Column, options: Options) -> str | None:
    given = options.values.get("DATEFORMAT")
    try:
        if given is None or given == "YYYY-MM-DD":
            if not _DATE.fullmatch(value):
                raise failures.invalid_date(len(value))
            return (
                datetime.strptime(value, "%Y-%m-%d")
                .replace(tzinfo=UTC)
                .strftime("%Y-%m-%d")
                .zfill(10)
            )
        formats = AUTO_DATES if given == "auto" else (given,)
        return read_as(value, formats).strftime("%Y-%m-%d").zfill(10)
    except (ValueError, BadValue):
        if "ACCEPTANYDATE" in options:
            return None
        raise failures.invalid_date(len(value)) from None


def _timestamp(value: str, column: Column, options: Options) -> str | None:
    given = options.values.get("TIMEFORMAT")
    try:
        if given in ("epochsecs", "epochmillisecs"):
            seconds = Decimal(value) / (1 if given == "epochsecs" else 1000)
            return datetime.fromtimestamp(float(seconds), UTC).isoformat(" ").removesuffix("+00:00")
        pattern = _ZONED if column.kind == "timestamptz" else _TIMESTAMP
        if given in (
            None,
            "YYYY-MM-DD HH:MI:SS",
            "YYYY-MM-DD HH24:MI:SS",
            "auto",
        ) and pattern.fullmatch(value):
            datetime.fromisoformat(value[:19])
            return value
        if given is None:
            raise failures.invalid_timestamp()
        formats = AUTO_TIMES if given == "auto" else (given,)
        return read_as(value, formats).isoformat(" ")
    except (ValueError, ArithmeticError, OverflowError, BadValue):
        if "ACCEPTANYDATE" in options:
            return None
        raise failures.invalid_timestamp() from None


def _time(value: str, _: Column, __: Options) -> str:
    if not _TIME.fullmatch(value):
        raise failures.invalid_timestamp()
    return value


def _varbyte(value: str, column: Column, _: Options) -> str:
    if not _HEX.fullmatch(value):
        raise BadValue(1207, "Invalid hexadecimal value for VARBYTE")
    if column.length and len(value) > 2 * column.length:
        raise failures.too_long()
    return "\\x" + value


def _super(value: str, _: Column, options: Options) -> str | None:
    if any("\udc80" <= c <= "\udcff" for c in value):
        raise failures.invalid_utf8(value)
    try:
        return super_values.stored(value, options.string_bytes)
    except ValueError:
        raise failures.invalid_json() from None


_CONVERTERS: dict[str, Callable[[str, Column, Options], str | None]] = {
    "int2": _integer,
    "int4": _integer,
    "int8": _integer,
    "numeric": _decimal,
    "float4": _float,
    "float8": _float,
    "bool": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "timestamptz": _timestamp,
    "time": _time,
    "timetz": _time,
    "varbyte": _varbyte,
    "super": _super,
}
