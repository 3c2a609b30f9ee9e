"""Values of RECORD messages to Arrow, exactly: what does not fit its type is refused, not bent.

What is changed all the same (text that is not valid Unicode, time beyond microseconds) is counted.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
from singer_sdk.singerlib.json import serialize_json
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.conversions import Reason

_FRACTION = 6
#: More digits than any column holds, so that dropping zeros never rounds.
_EXACT = Context(prec=10_000)


class UnfitValueError(ValueError):
    """A value that its column's type cannot hold.

    Args:
        row: Number of the record among those given, from 0.
        reason: Why, without the value.
    """

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row


def to_array(
    values: Sequence[Any], kind: ColumnType, *, is_text: bool, counts: Counter[str]
) -> pa.Array[Any]:
    """Converts one column of records.

    Args:
        values: As JSON gives them (numbers with a point as `Decimal`); None is NULL.
        kind: The column's type.
        is_text: Whether a ``json`` column's texts are JSON already, and not strings of it.
        counts: Where changed values are counted, by reason.

    Raises:
        UnfitValueError: A value does not fit.
    """
    convert = _CONVERT[kind.kind]
    if kind.kind == "json" and is_text:
        convert = _text
    converted = []
    for row, value in enumerate(values):
        try:
            converted.append(None if value is None else convert(value, counts))
        except (ValueError, TypeError, ArithmeticError) as error:
            raise UnfitValueError(row, _reason(value, kind)) from error
    try:
        return pa.array(converted, to_arrow(kind))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return _array_or_culprit(converted, kind)


def first_changed(values: Sequence[Any], kind: ColumnType) -> int:
    """Number of the first value that `to_array` changes and counts; there must be one."""
    for row, value in enumerate(values):
        counts: Counter[str] = Counter()
        to_array([value], kind, is_text=True, counts=counts)
        if counts:
            return row
    raise AssertionError("no value was changed")


def _array_or_culprit(converted: Sequence[Any], kind: ColumnType) -> pa.Array[Any]:
    for row, value in enumerate(converted):
        try:
            pa.array([value], to_arrow(kind))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise UnfitValueError(row, _reason(value, kind)) from error
    raise UnfitValueError(0, f"these values together do not form a column of {kind}")


def _reason(value: Any, kind: ColumnType) -> str:
    return f"a value of JSON type {_json_type(value)} does not fit {kind}"


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float | Decimal):
        return "number"
    if isinstance(value, dict | list):
        return "object" if isinstance(value, dict) else "array"
    return "string"


def _integer(value: Any, _: Counter[str]) -> int:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, float | Decimal) and value == int(value):
        return int(value)
    if not isinstance(value, int):
        raise TypeError
    return value


def _float(value: Any, _: Counter[str]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError
    return float(value)


def _decimal(value: Any, _: Counter[str]) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise TypeError
    # repr of a float is the shortest text that gives it back, which is what its writer wrote.
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite():
        raise ValueError
    # Zeros after the point say nothing, but Arrow would refuse them beyond the scale.
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < 0:
        number = number.normalize(_EXACT)
    return number


def _text(value: Any, counts: Counter[str]) -> str:
    text = value if isinstance(value, str) else _json(value, counts)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            counts[Reason.INVALID_TEXT] += 1
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _json(value: Any, counts: Counter[str]) -> str:
    # It writes a Decimal with the digits that it came with.
    return _text(serialize_json(value, ensure_ascii=False), counts)


def _binary(value: Any, _: Counter[str]) -> bytes:
    if not isinstance(value, str):
        raise TypeError
    return base64.b64decode(value, validate=True)


def _date(value: Any, _: Counter[str]) -> date:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        return value
    elif isinstance(value, str):
        if len(value) == len("YYYY-MM-DD"):
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
    else:
        raise TypeError
    if moment.replace(tzinfo=None) != datetime.combine(moment.date(), datetime.min.time()):
        raise ValueError
    return moment.date()


def _timestamp(value: Any, counts: Counter[str]) -> datetime:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        digits = value.partition(".")[2].rstrip("Zz")
        fraction = digits.partition("+")[0].partition("-")[0]
        if fraction[_FRACTION:].strip("0"):
            counts[Reason.SUB_MICROSECOND] += 1
    elif isinstance(value, datetime):
        moment = value
    else:
        raise TypeError
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _boolean(value: Any, _: Counter[str]) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_CONVERT: dict[str, Callable[[Any, Counter[str]], Any]] = {
    "int8": _integer,
    "int16": _integer,
    "int32": _integer,
    "int64": _integer,
    "decimal": _decimal,
    "float32": _float,
    "float64": _float,
    "string": _text,
    "json": _json,
    "binary": _binary,
    "date": _date,
    "timestamp": _timestamp,
    "boolean": _boolean,
}
