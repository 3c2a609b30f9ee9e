"""Parquet files on their way to the lake: written in row groups, cut at a number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

#: Rows and bytes of a row group, whichever comes first: what a writer holds in memory.
_GROUP_ROWS, _GROUP_BYTES = 16_384, 32 * 2**20
#: A column gets a dictionary when of the first rows at most this share of values is different.
_SAMPLE_ROWS, _FEW = 4_096, 0.25


@dataclass
class FinishedFile:
    """A file that is complete.

    Attributes:
        path: Where it is.
        rows: Rows in it.
        last: Values of the order columns in its last row.
        least: Least replication key in it.
        greatest: Greatest replication key in it.
        changes: Values that were changed, by column and reason.
        has_more: Whether it is a part of a full copy that further files complete.
    """

    path: Path
    rows: int
    last: tuple[Any, ...] | None = None
    least: Any = None
    greatest: Any = None
    changes: dict[str, dict[str, int]] = field(default_factory=dict)
    has_more: bool = False


class FileWriter:
    """Writes one Parquet file: zstd, and no schema metadata but Parquet's own."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.rows = 0
        self._path = path
        self._part = path.with_suffix(".part")
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = self._waiting_bytes = 0
        self._writer: pq.ParquetWriter | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        if self._waiting_rows >= _GROUP_ROWS or self._waiting_bytes >= _GROUP_BYTES:
            self._flush()

    def finish(self) -> Path:
        """Completes the file and gives it its name."""
        self._flush()
        self._open([]).close()
        self._part.rename(self._path)
        return self._path

    def drop(self) -> None:
        """Removes what has been written."""
        self._waiting = []
        if self._writer is not None:
            self._writer.close()
        self._part.unlink(missing_ok=True)

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting, self._schema)
            self._open(repetitive(table)).write_table(table)
            self._waiting = []
            self._waiting_rows = self._waiting_bytes = 0

    def _open(self, dictionaries: list[str]) -> pq.ParquetWriter:
        """The writer; it is opened with the first rows, which decide how columns are encoded."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._part,
                self._schema,
                compression="zstd",
                version="2.6",
                store_schema=False,
                use_dictionary=cast("Any", dictionaries),  # the stubs know only bool
            )
        return self._writer


def repetitive(table: pa.Table) -> list[str]:
    """Columns whose values repeat enough for a dictionary to pay; others cost time and room by it.

    Args:
        table: The first rows of a file; some thousands of them are looked at.
    """
    sample = table.slice(0, _SAMPLE_ROWS)
    limit = _FEW * sample.num_rows
    return [n for n in sample.column_names if pc.count_distinct(sample[n]).as_py() <= limit]


def parquet_schema(names: Sequence[str], types: Sequence[pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in zip(names, types, strict=True)])
