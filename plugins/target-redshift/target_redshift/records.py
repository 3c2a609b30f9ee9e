"""Records of any tap, as Singer's JSON has them, to Arrow columns of the exact types. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

import pyarrow as pa
from singer_sdk.singerlib.json import serialize_json
from tidemark_core.errors import WarehouseError
from tidemark_core.names import DELETED_AT, EXTRACTED_AT
from tidemark_core.types import MAX_PRECISION, TIMESTAMP, ColumnType, to_arrow

from target_redshift.columns import Column, LandingTable

_METADATA = (
    Column(EXTRACTED_AT, EXTRACTED_AT, TIMESTAMP),
    Column(DELETED_AT, DELETED_AT, TIMESTAMP),
)


def arrow_schema(landing: LandingTable) -> pa.Schema:
    """The schema of a table's spooled records: the source's columns, then their times."""
    return pa.schema([pa.field(c.source, to_arrow(c.type)) for c in (*landing.columns, *_METADATA)])


def to_batch(landing: LandingTable, records: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Converts records.

    Args:
        landing: The table.
        records: As the SDK parses them; a property that is missing is NULL.

    Raises:
        WarehouseError: A value is not of its column's type (column, key; the value is not shown).
    """
    arrays = [_array(landing, column, records) for column in (*landing.columns, *_METADATA)]
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(landing))


def _array(
    landing: LandingTable, column: Column, records: Sequence[Mapping[str, Any]]
) -> pa.Array[Any]:
    kind = to_arrow(column.type)
    convert = _CONVERT[column.type.kind]
    values: list[Any] = []
    for record in records:
        value = record.get(column.source)
        try:
            values.append(None if value is None else convert(value, column.type))
        except (TypeError, ValueError, ArithmeticError, binascii.Error):
            raise _misfit(landing, column, record, value) from None
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        for record, value in zip(records, values, strict=True):
            try:
                pa.array([value], kind)
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
                raise _misfit(landing, column, record, value) from None
        raise


def _misfit(
    landing: LandingTable, column: Column, record: Mapping[str, Any], value: Any
) -> WarehouseError:
    key = ", ".join(f"{key.source}={record.get(key.source)}" for key in landing.keys)
    return WarehouseError(
        f"a {type(value).__name__} does not fit {column.type}",
        table=landing.table,
        column=column.source,
        key=key or None,
        hint="correct the tap's schema for this column, then run again",
    )


def _integer(value: Any, _: ColumnType) -> int:
    if isinstance(value, bool):
        return int(value)
    whole = int(value)
    if isinstance(value, (float, Decimal)) and whole != value:
        raise ValueError(value)
    return whole


def _float(value: Any, _: ColumnType) -> float:
    return float(value)


def _decimal(value: Any, kind: ColumnType) -> Decimal:
    scale = kind.scale or 0
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise ValueError("not finite")
    with localcontext() as context:
        context.prec = 2 * MAX_PRECISION
        exact = number.quantize(Decimal(1).scaleb(-scale))
    if exact != number:
        raise InvalidOperation("digits after the point would be lost")
    return exact


def _text(value: Any, _: ColumnType) -> str:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    # A tap of ours gives JSON as text already; others give the object itself. It is written with
    # the digits that it came with.
    text = value if isinstance(value, str) else serialize_json(value, ensure_ascii=False)
    text.encode()  # a half of a surrogate pair is no text
    return text


def _binary(value: Any, _: ColumnType) -> bytes:
    return value if isinstance(value, bytes) else base64.b64decode(value, validate=True)


def _timestamp(value: Any, _: ColumnType) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _date(value: Any, _: ColumnType) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if moment.replace(tzinfo=None) != datetime.combine(moment, time.min):
        raise ValueError("a time of the day would be lost")
    return moment.date()


def _boolean(value: Any, _: ColumnType) -> bool:
    if value not in (True, False):
        raise ValueError("neither true nor false")
    return bool(value)


_CONVERT: dict[str, Callable[[Any, ColumnType], Any]] = {
    "int8": _integer,
    "int16": _integer,
    "int32": _integer,
    "int64": _integer,
    "float32": _float,
    "float64": _float,
    "decimal": _decimal,
    "string": _text,
    "json": _text,
    "binary": _binary,
    "timestamp": _timestamp,
    "date": _date,
    "boolean": _boolean,
}
