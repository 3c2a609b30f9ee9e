"""Laying a table out by the day of one of its date columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pyarrow as pa
from tidemark_core.errors import ConfigError
from tidemark_core.lake.folders import day_partition

from target_s3_parquet.files.schema import StreamSchema

_DATED = frozenset({"date", "timestamp"})


def check_column(schema: StreamSchema, column: str) -> None:
    """Makes sure that a table can be laid out by a column.

    Raises:
        ConfigError: There is no such column, or it is not a date.
    """
    kind = schema.types.get(column)
    if kind is None or kind.kind not in _DATED:
        raise ConfigError(
            "it has no such date column" if kind is None else f"it is {kind}, not a date",
            table=schema.table,
            column=column,
            hint="correct S3_PARTITION_COLUMNS",
        )


def by_day(batch: pa.RecordBatch, column: str, suffix: str) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Splits a batch by the day of a column; gives each day's folders and rows."""
    days = batch.column(column).cast(pa.date32(), safe=False)
    distinct: list[date | None] = days.unique().to_pylist()
    if len(distinct) == 1:
        yield day_partition(distinct[0], suffix), batch
        return
    import pyarrow.compute as pc  # 10 MB, spared when no table is laid out by a column

    for day in distinct:
        mask = pc.is_null(days) if day is None else pc.equal(days, pa.scalar(day, pa.date32()))
        yield day_partition(day, suffix), batch.filter(mask)
