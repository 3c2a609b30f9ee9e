"""Tombstones of rows that are gone from log-based tables without a trace in the log.

Such rows were deleted by a foreign key, or while the log could not be read. Their tombstones go
into the lake as the backup's own do: files, then the manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from tap_mysql.binlog.bookmark import LogBookmark, LogIdentity
from target_s3_parquet.file_group import WriteOptions
from target_s3_parquet.store import Store
from target_s3_parquet.table import TableWriter
from tidemark_core.errors import StateError
from tidemark_core.host.temporary_folder import temporary_folder
from tidemark_core.lake.manifest import Manifest
from tidemark_core.lake.parquet_writer import ParquetFileWriter
from tidemark_core.names import DELETED_AT, EXTRACTED_AT, TableName
from tidemark_core.redshift.connection import WarehouseConnection
from tidemark_core.text.documents import Json
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.singer_schema import LOG_BASED, METHOD, from_json_schema
from tidemark_singer.files.batch_file import BatchFile

from tidemark.config.project import Project
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.compare.keys.key_values import copied_keys
from tidemark.services.compare.keys.row_keys import RowKey


@dataclass
class GoneRows:
    """The rows of one table that are gone.

    Attributes:
        newest: Its newest manifest.
        mark: Its bookmark when the look at MySQL began.
        key: Its key.
        texts: The keys that are gone, as texts.
        keys: The same as values of the key's columns.
    """

    newest: Manifest
    mark: Json
    key: RowKey
    texts: list[str] = field(default_factory=list)
    keys: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def table(self) -> TableName:
        return self.newest.table

    def add(self, copy: WarehouseConnection, texts: Sequence[str]) -> None:
        """Adds keys, given as texts, with their values in the public table."""
        self.texts += texts
        self.keys += copied_keys(copy, self.key, texts)

    def write(self, project: Project, states: States, found_at: datetime, run_id: str) -> None:
        """Commits the tombstones to the lake; the next load and build remove the rows.

        Args:
            project: Where we are; no job may be at work.
            states: The bookmarks.
            found_at: When the look at MySQL began, by MySQL's clock.
            run_id: The run that looked.

        Raises:
            StateError: A backup has come in between: a row may be back.
            LakeError: S3 refused; nothing is committed.
        """
        identity = LogIdentity(self.table, self.newest.key_properties)
        known = identity.read(states.bookmarks(Leg.BACKUP).get(self.table.stream, {}))
        if known is None or known != identity.read(self.mark):
            raise StateError(
                "a backup ran in between; nothing was changed",
                table=self.table,
                hint=f"tidemark reconcile -t {self.table}",
            )
        bookmark = _later(known, found_at)
        # The bookmark first: what is read from now on is newer than the tombstones, whatever the
        # clock says.
        states.write(Leg.BACKUP, self.table, identity.write(bookmark))
        self._commit(project, identity.write(bookmark), bookmark.read_at, run_id)

    def _commit(self, project: Project, bookmark: Json, read_at: datetime, run_id: str) -> None:
        seconds = project.lease_seconds
        store = Store(project.location, run_id, seconds)
        writer = TableWriter(self.table, store, WriteOptions())
        try:
            writer.set_schema({**self.newest.schema, METHOD: LOG_BASED}, self.newest.key_properties)
            with temporary_folder("tombstones") as folder:
                path = folder / "tombstones.parquet"
                self._write(path, read_at)
                moment = read_at.replace(tzinfo=UTC).isoformat()
                writer.add_file(
                    BatchFile.local(str(path), rows=len(self.keys), extracted_at=moment)
                )
            writer.commit(bookmark)
        finally:
            writer.close()

    def _write(self, path: Path, read_at: datetime) -> None:
        """Writes rows with only the key and the time."""
        names = [name for name, _ in self.key.columns]
        own = dict(zip(names, zip(*self.keys, strict=True), strict=True))
        times = dict.fromkeys((EXTRACTED_AT, DELETED_AT), [read_at] * len(self.keys))
        nothing = [None] * len(self.keys)
        rows = pa.record_batch(
            {
                name: pa.array((own | times).get(name, nothing), to_arrow(from_json_schema(told)))
                for name, told in self.newest.schema["properties"].items()
            }
        )
        file = ParquetFileWriter(path, rows.schema)
        file.write(rows)
        file.close()


def _later(bookmark: LogBookmark, found_at: datetime) -> LogBookmark:
    return replace(bookmark, read_at=bookmark.next_reading(found_at.replace(tzinfo=None)))
