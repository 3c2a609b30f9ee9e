"""Other writers' Parquet files: checked before they are taken, read in the stream's own types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tidemark_core.errors import LakeError

from target_s3_parquet.files.schema import StreamSchema

_BATCH_ROWS = 16_384
#: pyarrow's own note of the Arrow types; readers that do not know it ignore it.
_HARMLESS = frozenset({b"ARROW:schema"})
_ALIKE: dict[pa.DataType, pa.DataType] = {
    pa.large_string(): pa.string(),
    pa.large_binary(): pa.binary(),
}


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        rows: Rows of the file.
        as_is: Whether it can go into the lake unchanged.
    """

    rows: int
    as_is: bool


def check(file: pq.ParquetFile, schema: StreamSchema, rows: int | None, name: str) -> Checked:
    """Compares a file with what was said about it.

    Args:
        file: Opened, which reads its footer.
        schema: The stream's.
        rows: Row count that its writer stated; None if it stated none.
        name: For the message.

    Raises:
        LakeError: The row count or a column is not what it should be.
    """
    found = file.metadata.num_rows
    if rows is not None and found != rows:
        raise LakeError(
            f"{name} holds {found} rows, but its BATCH message says {rows}", table=schema.table
        )
    wanted, actual = schema.arrow, file.schema_arrow
    for column in actual.names:
        if column not in schema.types:
            raise LakeError(
                f"{name} has a column that is not in the stream's schema",
                table=schema.table,
                column=column,
                hint=f"exclude it, because its name is reserved: '!{schema.table.stream}.{column}'"
                if column.startswith("_sdc_")
                else "run the tap again; if it persists, the tap's schema and its files disagree",
            )
    same = actual.names == wanted.names and all(
        _alike(actual.field(column).type) == wanted.field(column).type for column in wanted.names
    )
    foreign = set(file.metadata.metadata or {}) - _HARMLESS
    return Checked(found, as_is=same and not foreign)


def _alike(kind: pa.DataType) -> pa.DataType:
    return _ALIKE.get(kind, kind)


def conformed(file: pq.ParquetFile, schema: StreamSchema) -> Iterator[pa.RecordBatch]:
    """Reads a file in the stream's own types, batch by batch; a column it lacks is NULL.

    Raises:
        LakeError: A value does not fit its column's declared type.
    """
    wanted = schema.arrow
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
        yield pa.RecordBatch.from_arrays(
            [_column(batch, field, schema) for field in wanted], schema=wanted
        )


def _column(batch: pa.RecordBatch, field: pa.Field[Any], schema: StreamSchema) -> Any:
    if field.name not in batch.schema.names:
        return pa.nulls(batch.num_rows, field.type)
    values = batch.column(field.name)
    try:
        cast: pa.Array[Any] = _cast(values, field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise LakeError(
            f"a Parquet file has type {values.type} here and values that do not fit "
            f"{schema.types[field.name]}",
            table=schema.table,
            column=field.name,
            hint="declare the actual type of the values in the tap's catalog",
        ) from error
    return cast


def _cast(values: Any, wanted: pa.DataType) -> Any:
    if values.type == wanted:
        return values
    if pa.types.is_timestamp(wanted):
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            values = values.cast(pa.timestamp("us", "UTC"))
        if pa.types.is_timestamp(values.type) and values.type.tz:
            values = values.cast(pa.timestamp(values.type.unit, "UTC"))
            values = values.cast(pa.timestamp(values.type.unit))
    return values.cast(wanted)
