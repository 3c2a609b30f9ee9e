"""Writes the lake's Parquet files: one format for all writers and readers."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

#: Rows and bytes of a row group, whichever comes first: what a writer holds in memory. Larger ones
#: make files neither smaller nor faster to read (docs/performance.md).
GROUP_ROWS, GROUP_BYTES = 32_768, 32 * 2**20
#: A column gets a dictionary if at most this share of its first rows' values is distinct.
_SAMPLE_ROWS, _FEW = 4_096, 0.25


class ParquetFileWriter:
    """Writes one Parquet file, a row group at a time.

    zstd, statistics, pages of version 1, timestamps as plain INT64 microseconds, and no schema
    metadata of Python's: Spectrum has refused files because of it.

    Args:
        sink: A path, or a file that is open for writing; one that is open stays so.
        schema: The file's; its metadata are left out.

    Attributes:
        rows: Rows that were given so far.
        waiting: Bytes of Arrow memory that wait to be written.
    """

    def __init__(self, sink: Path | IO[bytes], schema: pa.Schema) -> None:
        self.rows = self.waiting = self._waiting_rows = 0
        self._sink = sink
        self._schema = schema.remove_metadata()
        self._batches: list[pa.RecordBatch] = []
        self._writer: pq.ParquetWriter | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Takes a batch; writes a row group when enough has come together.

        Raises:
            OSError: The disk is full.
        """
        self.rows += batch.num_rows
        self.waiting += batch.nbytes
        self._waiting_rows += batch.num_rows
        self._batches.append(batch)
        if self._waiting_rows >= GROUP_ROWS or self.waiting >= GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        """Writes what waits as a row group.

        Raises:
            OSError: The disk is full.
        """
        if self._batches:
            table = pa.Table.from_batches(self._batches, self._schema)
            self._open(repetitive(table)).write_table(table)
            self._forget()

    def close(self) -> None:
        """Completes the file.

        Raises:
            OSError: The disk is full.
        """
        self.flush()
        self._open([]).close()

    def abandon(self) -> None:
        """Gives the file up as it is. Never raises."""
        self._forget()
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError:
                self._writer.is_open = False  # else it tries again when garbage-collected

    def _forget(self) -> None:
        self._batches, self.waiting, self._waiting_rows = [], 0, 0

    def _open(self, dictionaries: list[str]) -> pq.ParquetWriter:
        """The writer; it is opened with the first rows, which decide how columns are encoded."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._sink,
                self._schema,
                version="2.6",
                compression="zstd",
                data_page_version="1.0",
                write_statistics=True,
                store_schema=False,
                use_deprecated_int96_timestamps=False,
                use_dictionary=cast("Any", dictionaries),  # the stubs know only bool
            )
        return self._writer


def repetitive(table: pa.Table) -> list[str]:
    """Columns that repeat enough for a dictionary to pay off; it costs others time and space.

    Args:
        table: The first rows of a file; some thousands of them are looked at.
    """
    import pyarrow.compute as pc  # 10 MB, spared when no rows are written

    sample = table.slice(0, _SAMPLE_ROWS)
    limit = _FEW * sample.num_rows
    return [n for n in sample.column_names if pc.count_distinct(sample[n]).as_py() <= limit]
