"""What UNLOAD writes: delimited text, CSV, Parquet.

Source: "UNLOAD" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

import csv
import io
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet as pq
import zstandard
from isal import igzip

from redshift_stand_in.copy.target import Column
from redshift_stand_in.errors import NotInStandIn
from redshift_stand_in.options.options import Options

#: Any, since their stubs do not describe the functions' arguments.
pc: Any = pyarrow.compute
pacsv: Any = pyarrow.csv

_ARROW = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "varchar": pa.string(),
    "bpchar": pa.string(),
    "text": pa.string(),
    "name": pa.string(),
}


class FileWriter(Protocol):
    """Collects rows and gives them as a file."""

    @property
    def extension(self) -> str:
        """What the file's name ends with."""

    def add(self, rows: bytes) -> None:
        """Takes whole rows of PostgreSQL's CSV, in which NULL is an empty field without quotes."""

    def size(self) -> int:
        """Bytes taken since the last file."""

    def finish(self) -> bytes:
        """Returns the file; rows added later begin the next one."""


class DelimitedWriter:
    """CSV, or text with a delimiter.

    Args:
        columns: of the rows.
        options: of the UNLOAD.
    """

    def __init__(self, columns: list[Column], options: Options) -> None:
        self._columns = columns
        self._options = options
        self._out = io.BytesIO()

    @property
    def extension(self) -> str:
        """``.gz`` or ``.zst`` when compressed."""
        return {"GZIP": ".gz", "ZSTD": ".zst"}.get(self._options.compression or "", "")

    def add(self, rows: bytes) -> None:
        """See :class:`FileWriter`."""
        self._head()
        self._out.write(rows if self._as_it_is() else self._rewritten(rows))

    def size(self) -> int:
        """See :class:`FileWriter`."""
        return self._out.tell()

    def finish(self) -> bytes:
        """See :class:`FileWriter`."""
        self._head()
        data = self._out.getvalue()
        self._out = io.BytesIO()
        if self._options.compression == "GZIP":
            return bytes(igzip.compress(data))
        if self._options.compression == "ZSTD":
            return zstandard.ZstdCompressor().compress(data)
        return data

    def _head(self) -> None:
        if "HEADER" in self._options and not self._out.tell():
            names = self._options.delimiter.join(c.name for c in self._columns)
            self._out.write(f"{names}\n".encode())

    def _as_it_is(self) -> bool:
        given = self._options
        return given.csv and given.delimiter == "," and not given.values.get("NULL")

    def _rewritten(self, rows: bytes) -> bytes:
        """Rows in the format that was asked for, from PostgreSQL's CSV."""
        table = _texts(rows, len(self._columns))
        values = zip(*(column.to_pylist() for column in table.columns), strict=True)
        return "".join(self._row(row) for row in values).encode()

    def _row(self, row: tuple[str | None, ...]) -> str:
        null = self._options.values.get("NULL", "")
        if self._options.csv:
            out = io.StringIO()
            csv.writer(out, delimiter=self._options.delimiter, lineterminator="\n").writerow(
                [null if v is None else v for v in row]
            )
            return out.getvalue()
        return (
            self._options.delimiter.join(null if v is None else self._field(v) for v in row) + "\n"
        )

    def _field(self, value: str) -> str:
        if "ESCAPE" in self._options:
            special = ("\\", "\n", "\r", self._options.delimiter, '"', "'")
            value = "".join(f"\\{c}" if c in special else c for c in value)
        return f'"{value}"' if "ADDQUOTES" in self._options else value


class ParquetWriter:
    """Parquet, with one row group per block of rows.

    Args:
        columns: of the rows.

    Raises:
        StatementError: a column has a type that UNLOAD does not write to Parquet.
    """

    extension = ".parquet"

    def __init__(self, columns: list[Column]) -> None:
        self._schema = pa.schema([(c.name, _arrow_type(c)) for c in columns])
        self._begin()

    def _begin(self) -> None:
        self._out = io.BytesIO()
        self._taken = 0
        self._writer = pq.ParquetWriter(self._out, self._schema, compression="snappy")

    def add(self, rows: bytes) -> None:
        """See :class:`FileWriter`."""
        self._taken += len(rows)
        table = _texts(rows, len(self._schema))
        typed = [_typed(table.column(i), f.type) for i, f in enumerate(self._schema)]
        self._writer.write_table(pa.table(typed, schema=self._schema))

    def size(self) -> int:
        """See :class:`FileWriter`."""
        return self._taken

    def finish(self) -> bytes:
        """See :class:`FileWriter`."""
        self._writer.close()
        data = self._out.getvalue()
        self._begin()
        return data


def _arrow_type(column: Column) -> Any:
    if column.kind == "numeric":
        return (
            pa.decimal128(column.precision, column.scale) if column.modifier >= 4 else pa.float64()
        )
    if column.kind == "varbyte":
        return pa.binary()
    if column.kind not in _ARROW:
        raise NotInStandIn(f"UNLOAD of the type {column.kind} to Parquet is")
    return _ARROW[column.kind]


def _texts(rows: bytes, columns: int) -> pa.Table:
    """PostgreSQL's CSV as text; an empty field without quotes is NULL."""
    names = [str(i) for i in range(columns)]
    table: pa.Table = pacsv.read_csv(
        pa.BufferReader(rows),
        pacsv.ReadOptions(column_names=names, block_size=len(rows) + 1),
        pacsv.ParseOptions(newlines_in_values=True),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return table


def _typed(values: Any, wanted: Any) -> Any:
    if pa.types.is_string(wanted):
        return values
    if pa.types.is_binary(wanted):
        return pa.array(
            [None if v is None else bytes.fromhex(v) for v in values.to_pylist()], wanted
        )
    if pa.types.is_boolean(wanted):
        return pc.equal(values, "t")
    return pc.cast(values, wanted)
