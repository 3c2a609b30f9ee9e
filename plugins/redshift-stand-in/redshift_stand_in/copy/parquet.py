"""Parquet files of a COPY.

Source: "COPY from columnar data formats" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from redshift_stand_in.copy.source import SourceFile, s3_errors
from redshift_stand_in.copy.target import Column, Target
from redshift_stand_in.copy.text import vectors
from redshift_stand_in.errors import INTERNAL_ERROR, NotInStandIn, StatementError
from redshift_stand_in.options.options import Options

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Any, since its stubs do not describe the functions' arguments.
pc: Any = pyarrow.compute

_BATCH_ROWS = 32_768
_SPOOL_BYTES = 64 << 20
_INTEGERS = {"int2": 2, "int4": 4, "int8": 8}
_FLOATS = {"float4": pa.float32(), "float8": pa.float64()}


def read(
    client: S3Client, file: SourceFile, target: Target, options: Options
) -> Iterator[tuple[bytes, int]]:
    """Reads a Parquet file, its columns by position.

    Yields:
        CSV as :func:`vectors.write` makes it, and the number of rows in it.

    Raises:
        StatementError: not a Parquet file, its columns do not fit the table's, or a value does
        not fit.
    """
    with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as local:
        with s3_errors(file.url):
            client.download_fileobj(file.bucket, file.key, local)
        local.seek(0)
        try:
            parquet = pq.ParquetFile(local)
        except pa.ArrowInvalid as error:
            raise _scan_error(file, f"is not a valid Parquet file: {error}") from None
        columns = _fitting(parquet, file, target, options)
        for batch in parquet.iter_batches(_BATCH_ROWS):
            texts = [
                _text(batch.column(i), column, file)
                if i < batch.num_columns
                else pa.nulls(batch.num_rows, pa.string())
                for i, column in enumerate(columns)
            ]
            yield bytes(vectors.write(texts)), batch.num_rows


def _fitting(parquet: Any, file: SourceFile, target: Target, options: Options) -> list[Column]:
    schema, columns = parquet.schema_arrow, target.columns
    missing = len(columns) - len(schema)
    if missing < 0 or (missing and "FILLRECORD" not in options):
        raise _scan_error(
            file,
            "has an incompatible Parquet schema: Unmatched number of columns between table "
            "and file. "
            f"Table columns: {len(columns)}, Data columns: {len(schema)}",
        )
    for column, given in zip(columns, schema, strict=False):
        if column.kind == "super":
            raise NotInStandIn("COPY of Parquet into a SUPER column is")
        if not _fits(given.type, column):
            raise _scan_error(
                file,
                f"has an incompatible Parquet schema for column '{file.url}.{column.name}'. "
                f"Column type: {_shown(column)}, Parquet schema: {given.type} {given.name}",
            )
    return columns


def _scan_error(file: SourceFile, text: str) -> StatementError:
    return StatementError(f"Spectrum Scan Error. File '{file.url}' {text}", INTERNAL_ERROR)


def _shown(column: Column) -> str:
    if column.kind == "numeric":
        return f"DECIMAL({column.precision}, {column.scale})"
    return f"{column.kind.upper()}({column.length})" if column.length else column.kind.upper()


def _fits(given: Any, column: Column) -> bool:
    kind = column.kind
    if kind in _INTEGERS:
        return bool(pa.types.is_signed_integer(given)) and given.bit_width // 8 <= _INTEGERS[kind]
    if kind == "numeric":
        return (
            bool(pa.types.is_decimal(given))
            and given.scale == column.scale
            and given.precision <= column.precision
        )
    if kind in _FLOATS:
        return bool(given == _FLOATS[kind])
    if column.is_character:
        return bool(pa.types.is_string(given) or pa.types.is_large_string(given))
    if kind in ("timestamp", "timestamptz"):
        return bool(pa.types.is_timestamp(given))
    if kind == "varbyte":
        return bool(pa.types.is_binary(given) or pa.types.is_large_binary(given))
    return bool({"bool": pa.bool_(), "date": pa.date32()}.get(kind) == given)


def _text(values: Any, column: Column, file: SourceFile) -> Any:
    if column.not_null and values.null_count:
        raise _scan_error(file, f"has a NULL for the NOT NULL column '{column.name}'")
    if column.kind == "varbyte":
        return _bytes(values, column, file)
    if column.is_character:
        return _characters(values, column, file)
    if pa.types.is_timestamp(values.type):
        return pc.cast(pc.cast(values, pa.timestamp("us"), safe=False), pa.string())
    return pc.cast(values, pa.string())


def _characters(values: Any, column: Column, file: SourceFile) -> Any:
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    if column.length and longest > column.length:
        raise _scan_error(
            file,
            f"has a value for column '{column.name}' that is {longest} bytes long, longer "
            f"than {_shown(column)}: "
            "The length of the data column is longer than the length defined in the table",
        )
    if column.kind == "bpchar" and pc.all(pc.string_is_ascii(values)).as_py() is False:
        raise _scan_error(file, f"has a multibyte character for the CHAR column '{column.name}'")
    if pc.any(pc.match_substring(values, "\0")).as_py():
        raise _scan_error(file, f"has a NUL character for column '{column.name}'")
    return pc.cast(values, pa.string())


def _bytes(values: Any, column: Column, file: SourceFile) -> Any:
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    if column.length and longest > column.length:
        raise _scan_error(
            file, f"has a value for column '{column.name}' longer than {_shown(column)}"
        )
    return pa.array(
        [None if v is None else "\\x" + v.hex() for v in values.to_pylist()], pa.string()
    )
