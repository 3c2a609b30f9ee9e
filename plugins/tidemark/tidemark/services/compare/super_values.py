"""Values of SUPER columns, compared by what they mean: servers write JSON in their own ways. Pure.

Numbers are compared by value, objects without order, strings character by character. JSON's null
alone is NULL, because SUPER cannot tell the two apart and a load counts them.
"""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256

from tidemark_core.types.super_columns import TEXT

_NULL = "null"
#: Begins what was a number: no JSON text of a server has it in a string.
_NUMBER = "\ud800"


def source_meaning(text: str | None, held: str) -> str:
    """What a value means that MySQL has: equal for equal values.

    Args:
        text: The value.
        held: Whether it is JSON or text.
    """
    if text is None:
        return _NULL
    return _hashed(json.dumps(text)) if held == TEXT else _of_json(text)


def copied_meaning(text: str | None) -> str:
    """The same of a value in the warehouse, which gives SUPER as JSON."""
    return _NULL if text is None else _of_json(text)


def _of_json(text: str) -> str:
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return f"not JSON: {_hashed(text)}"
    return _NULL if value is None else _hashed(json.dumps(value, sort_keys=True))


def _hashed(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _number(text: str) -> str:
    """A number without the ways to write it: 1.50 and 15e-1 are one."""
    sign, digits, exponent = Decimal(text).as_tuple()
    written = "".join(map(str, digits)).lstrip("0")
    short = written.rstrip("0")
    power = int(exponent) + len(written) - len(short)
    return f"{_NUMBER}{'-' if sign and short else ''}{short}e{power if short else 0}"


_DECODER = json.JSONDecoder(parse_int=_number, parse_float=_number)
