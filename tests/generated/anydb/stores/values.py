"""One spelling for each value, whichever way it comes: the server's text, the lake's, landing's.

Nothing here asks the product's type map: what a column holds is told by information_schema.
"""

from __future__ import annotations

import struct
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_FAMILIES = {
    "integer": ("tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit"),
    "decimal": ("decimal",),
    "float32": ("float",),
    "float64": ("double",),
    "bytes": ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"),
    "shape": ("geometry", "point", "linestring", "polygon"),
    "date": ("date",),
    "moment": ("datetime", "timestamp"),
    "clock": ("time", "uuid", "inet4", "inet6"),
    "json": ("json",),
    "vector": ("vector",),
}
_FAMILY = {name: family for family, names in _FAMILIES.items() for name in names}


def family(data_type: str) -> str:
    """What kind of values a MySQL type has; text is what is nothing else."""
    return _FAMILY.get(data_type.lower(), "text")


def spelled(family: str, value: Any) -> str | None:
    """A value that pyarrow or a text protocol gave, in the one spelling; others as they are."""
    try:
        return None if value is None else _spelled(family, value)
    except (ValueError, struct.error, OverflowError):
        return f"(no {family}) {value}"


def _spelled(family: str, value: Any) -> str:
    if family == "integer":
        return str(int(value))
    if family == "decimal":
        return plain(format(value, "f") if isinstance(value, Decimal) else str(value))
    if family in ("float32", "float64"):
        return struct.pack("<f" if family == "float32" else "<d", float(value)).hex()
    if family in ("bytes", "shape", "vector"):
        return value.hex() if isinstance(value, bytes) else str(value).lower()
    if family in ("date", "moment"):
        return _moment(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(value)


def plain(number: str) -> str:
    """A decimal without the zeros that say nothing."""
    sign = "-" if number.startswith("-") else ""
    whole, _, fraction = number.lstrip("-").partition(".")
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    zero = whole == "0" and not fraction
    return ("" if zero else sign) + whole + (f".{fraction}" if fraction else "")


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds")
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00.000000"
    day, _, clock = str(value).partition(" ")
    clock, _, fraction = (clock or "00:00:00").partition(".")
    return f"{day} {clock}.{fraction.ljust(6, '0')}"


def is_in_calendar(text: str) -> bool:
    """Whether a date of the server's is one that has been or will be."""
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True
