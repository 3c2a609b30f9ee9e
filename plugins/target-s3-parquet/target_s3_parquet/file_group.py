"""Files that one manifest will name, those still being made from rows included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
from tidemark_core.lake.manifest import ManifestFile
from tidemark_core.names import TableName
from tidemark_core.types.conversions import Conversions

from target_s3_parquet.files.partition import by_day
from target_s3_parquet.files.rows import RowFile
from target_s3_parquet.files.schema import StreamSchema
from target_s3_parquet.store import Store

#: Files of a group being made at once; each has a descriptor.
_OPEN_FILES = 64


@dataclass(frozen=True)
class WriteOptions:
    """How a table's files are made.

    Attributes:
        accept_changes: Whether its schema may change inside a run.
        file_rows: Rows of a file that is made here, at most.
        partition_column: Date column that lays it out; None: the time of extraction does.
        temp_dir: Where files are made; None: the system's place.
    """

    accept_changes: bool = False
    file_rows: int = 500_000
    partition_column: str | None = None
    temp_dir: str | None = None


@dataclass
class FileGroup:
    """What one manifest will name: files of one schema and one time of extraction.

    Attributes:
        table: The source table.
        store: Where finished files go.
        options: How files are made.
        schema: Of all its files.
        extracted_at: UTC second of the extraction.
        files: Those that are in the lake.
        making: Those that are being made, by partition.
        conversions: Values that were changed.
    """

    table: TableName
    store: Store
    options: WriteOptions
    schema: StreamSchema
    extracted_at: datetime
    files: list[ManifestFile] = field(default_factory=list)
    making: dict[str | None, RowFile] = field(default_factory=dict)
    conversions: Conversions = field(default_factory=Conversions)

    def spread(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Writes rows into the files of their days."""
        column = self.options.partition_column
        for batch in batches:
            days = by_day(batch, column, self.schema.suffix) if column else [(None, batch)]
            for partition, rows in days:
                self._append(partition, rows)

    def add_empty(self) -> None:
        """Puts a file without rows."""
        self._begin(None)
        self._finish(None)

    def finish(self) -> None:
        """Puts the files that are being made.

        Raises:
            LakeError: S3 refused.
        """
        for partition in list(self.making):
            self._finish(partition)

    def drop(self) -> None:
        """Gives up the files that are being made."""
        for making in self.making.values():
            making.drop()

    def _begin(self, partition: str | None) -> RowFile:
        making = RowFile(self.schema, self.options.temp_dir, self.store.memory)
        self.making[partition] = making
        return making

    def _append(self, partition: str | None, rows: pa.RecordBatch) -> None:
        while rows.num_rows:
            making = self.making.get(partition)
            if making is None:
                if len(self.making) >= _OPEN_FILES:
                    self._finish(max(self.making, key=lambda at: self.making[at].rows))
                making = self._begin(partition)
            room = self.options.file_rows - making.rows
            making.add(rows.slice(0, room))
            rows = rows.slice(room)
            if making.rows >= self.options.file_rows:
                self._finish(partition)

    def _finish(self, partition: str | None) -> None:
        making = self.making.pop(partition)
        try:
            self.files.append(
                self.store.put(
                    self.table,
                    self.extracted_at,
                    self.schema.suffix,
                    partition,
                    making.finish(),
                    making.rows,
                )
            )
        finally:
            making.drop()
