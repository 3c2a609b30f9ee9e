"""Parquet files for the lake, split at a number of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from tidemark_core.lake.parquet_writer import ParquetFileWriter
from tidemark_core.types.conversions import Conversions


@dataclass
class FinishedFile:
    """A file that is complete.

    Attributes:
        path: Where it is.
        rows: Rows in it.
        last: Values of the order columns in its last row.
        least: Least replication key in it.
        greatest: Greatest replication key in it.
        conversions: Values that were changed.
        has_more: Whether it is a part of a full copy that further files complete.
    """

    path: Path
    rows: int
    last: tuple[Any, ...] | None = None
    least: Any = None
    greatest: Any = None
    conversions: Conversions = field(default_factory=Conversions)
    has_more: bool = False


class FileWriter:
    """Writes one Parquet file, which gets its name when it is complete."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._part = path.with_suffix(".part")
        self._file = ParquetFileWriter(self._part, schema)

    @property
    def rows(self) -> int:
        """Rows that were given so far."""
        return self._file.rows

    def write(self, batch: pa.RecordBatch) -> None:
        """Takes a batch."""
        self._file.write(batch)

    def finish(self) -> Path:
        """Completes the file and gives it its name."""
        self._file.close()
        self._part.rename(self._path)
        return self._path

    def drop(self) -> None:
        """Removes what has been written."""
        self._file.abandon()
        self._part.unlink(missing_ok=True)
