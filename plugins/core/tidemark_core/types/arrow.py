"""The type map in Arrow, and read backwards for Parquet files that carry no Singer schema.

Apart from `types`, since pyarrow takes a tenth of a second to import.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from tidemark_core.errors import ConfigError
from tidemark_core.types.column_type import (
    TEXT,
    TIMESTAMP,
    ColumnType,
    MySQLColumn,
    decimal,
    from_mysql,
)

_ARROW: dict[str, pa.DataType] = {
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
    "json": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
}


def to_arrow(column: ColumnType) -> pa.DataType:
    """The Arrow type, which is also the Parquet file's. Timestamps are UTC without a zone."""
    if column.kind == "decimal":
        return pa.decimal128(column.precision, column.scale)
    return _ARROW[column.kind]


_FROM_ARROW: tuple[tuple[Callable[[pa.DataType], bool], ColumnType], ...] = (
    (pa.types.is_boolean, ColumnType("boolean")),
    (pa.types.is_int8, ColumnType("int8")),
    (pa.types.is_int16, ColumnType("int16")),
    (pa.types.is_uint8, ColumnType("int16")),
    (pa.types.is_int32, ColumnType("int32")),
    (pa.types.is_uint16, ColumnType("int32")),
    (pa.types.is_int64, ColumnType("int64")),
    (pa.types.is_uint32, ColumnType("int64")),
    (pa.types.is_uint64, ColumnType("decimal", precision=20, scale=0)),
    (pa.types.is_float16, ColumnType("float32")),
    (pa.types.is_float32, ColumnType("float32")),
    (pa.types.is_float64, ColumnType("float64")),
    (pa.types.is_date, ColumnType("date")),
    (pa.types.is_timestamp, TIMESTAMP),
    (pa.types.is_time, from_mysql(MySQLColumn("time", "time"))),
    (pa.types.is_string, TEXT),
    (pa.types.is_large_string, TEXT),
    (pa.types.is_null, TEXT),
    (pa.types.is_binary, ColumnType("binary")),
    (pa.types.is_large_binary, ColumnType("binary")),
    (pa.types.is_fixed_size_binary, ColumnType("binary")),
)


def from_arrow(kind: pa.DataType) -> ColumnType:
    """The type of a column of another tool's Parquet file, which has no other description.

    Raises:
        ConfigError: It is nested, or otherwise not a type that a warehouse column can hold.
    """
    if pa.types.is_dictionary(kind):
        return from_arrow(kind.value_type)
    if pa.types.is_decimal(kind):
        return decimal(kind.precision, max(0, kind.scale))
    for applies, column in _FROM_ARROW:
        if applies(kind):
            return column
    raise ConfigError(f"the Parquet type {kind} is not known to Tidemark")
