"""SUPER values from JSON, as the catalogue stores them (02_super.sql): no blanks, keys in order.

Sources: "SUPER configurations" and "Limitations" of the SUPER type in the Amazon Redshift Database
Developer Guide.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

#: Tells JSON from a string.
_MARK = "\x01"
MAX_BYTES = 16 << 20
#: Unless large strings are enabled ("enable_large_strings_opt_in").
MAX_STRING_BYTES = 65535


class _Written(str):
    """A part that is JSON already."""

    __slots__ = ()


def stored(text: str, string_bytes: int = MAX_STRING_BYTES) -> str | None:
    """JSON as PostgreSQL stores it; None for JSON's null.

    Args:
        text: JSON.
        string_bytes: most bytes of a string.

    Raises:
        ValueError: it is not JSON, has an attribute twice in an object, or is too long or deep.
    """
    try:
        compact = _write(_decoder(string_bytes).decode(text), string_bytes)
    except RecursionError:
        raise ValueError("too deep") from None
    if len(compact.encode()) > MAX_BYTES:
        raise ValueError("too long")
    return None if compact == "null" else _MARK + compact


def _write(value: Any, string_bytes: int) -> str:
    if isinstance(value, _Written):
        return value
    if isinstance(value, list):
        return f"[{','.join(_write(item, string_bytes) for item in value)}]"
    if isinstance(value, str) and ("\0" in value or len(value.encode()) > string_bytes):
        raise ValueError("a string is too long, or has the character 0")
    return json.dumps(value, ensure_ascii=False)


def _object(pairs: list[tuple[str, Any]], string_bytes: int) -> _Written:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("an attribute appears twice")
    items = (
        f"{json.dumps(key, ensure_ascii=False)}:{_write(value, string_bytes)}"
        for key, value in pairs
    )
    return _Written(f"{{{','.join(items)}}}")


def _float(text: str) -> _Written:
    """A number with an exponent is a float, any other is a decimal."""
    if "e" not in text.lower():
        return _Written(text)
    number = float(text)
    _, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("out of range")
    shown = "".join(map(str, digits))
    power = len(shown) - 1 + exponent if number else 0
    fraction = f".{shown[1:]}" if shown[1:] else ""
    return _Written(f"{'-' if number < 0 else ''}{shown[0]}{fraction}e{power:+d}")


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


@lru_cache
def _decoder(string_bytes: int) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=partial(_object, string_bytes=string_bytes),
        parse_float=_float,
        parse_int=_Written,
        parse_constant=_refuse,
    )
