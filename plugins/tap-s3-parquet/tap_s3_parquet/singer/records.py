"""Rows of Parquet files as Singer records, for targets that take no files."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow.parquet as pq
    from singer_sdk.helpers.types import Record

_BATCH_ROWS = 8_192


def records(file: pq.ParquetFile) -> Iterator[Record]:
    """Reads a file row by row, in JSON's types, a few thousand rows in memory at a time."""
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
        names = batch.schema.names
        columns = [_plain(column.to_pylist()) for column in batch.columns]
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))


def _plain(values: list[Any]) -> list[Any]:
    convert: Callable[[Any], Any] | None = None
    for value in values:
        if value is not None:
            convert = _CONVERT.get(type(value))
            break
    if convert is None:
        return values
    return [None if value is None else convert(value) for value in values]


def _float(value: float) -> float | None:
    # JSON has no form for the others.
    return value if math.isfinite(value) else None


def _timestamp(value: datetime) -> str:
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return moment.isoformat()


_CONVERT: dict[type, Callable[[Any], Any]] = {
    datetime: _timestamp,
    date: date.isoformat,
    bytes: lambda value: base64.b64encode(value).decode(),
    float: _float,
    # Text in our schemas, so that no target makes a float of it.
    Decimal: "{:f}".format,
}
