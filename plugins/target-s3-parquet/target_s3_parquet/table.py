"""One table of one run: its lease, the files that wait for their commit, and the commit."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.lake.parquet_reader import open_parquet
from tidemark_core.names import OWN_NAMES, TableName, fold_columns
from tidemark_core.runs.report import current
from tidemark_core.text.documents import Json
from tidemark_core.types.singer_schema import FULL_TABLE
from tidemark_singer.files.batch_file import BatchFile
from tidemark_singer.files.local_file import open_local

from target_s3_parquet.file_group import FileGroup, WriteOptions
from target_s3_parquet.files.parquet import check, conformed
from target_s3_parquet.files.partition import check_column
from target_s3_parquet.files.rows import to_batch
from target_s3_parquet.files.schema import StreamSchema, key_error
from target_s3_parquet.store import Store

logger = logging.getLogger(__name__)
_REWRITE = "run again: the tap will write the file again"


class TableWriter:
    """Writes one table's files and commits them; holds the table's lease until `close`.

    Args:
        table: The source table.
        store: The lake.
        options: How its files are made.

    Attributes:
        pending_files: Files of BATCH messages, or of empty copies, that wait for their commit.
        pending_rows: Rows from RECORD messages that wait for theirs.
    """

    def __init__(self, table: TableName, store: Store, options: WriteOptions) -> None:
        self.table = table
        self._store = store
        self._options = options
        self._lease = store.lease(table)
        self._schema: StreamSchema | None = None
        self._groups: list[FileGroup] = []
        self._has_written = False
        self.pending_files = 0
        self.pending_rows = 0

    def set_schema(self, schema: Json, keys: Sequence[str] | None) -> None:
        """Takes the stream's schema, from a SCHEMA message.

        Raises:
            LakeError: It differs from the one this run has written with, and may not change.
            ConfigError: A column has the name of one that landing adds.
        """
        told = StreamSchema.parse(self.table, schema, keys)
        fold_columns(told.columns, table=self.table)
        if self._options.partition_column:
            check_column(told, self._options.partition_column)
        known = self._schema
        if known is not None and known.is_same(told):
            return
        if known is None:
            self._warn_of_landing()
        if known is not None and self._has_written and not self._options.accept_changes:
            raise LakeError(
                f"its schema changed during the run: {known.changes(told)}",
                table=self.table,
                hint="run again; if this happens on every run, set S3_SCHEMA_CHANGES=accept",
            )
        self._schema = told

    def give_up_part(self) -> None:
        """Drops what has come of an incomplete full copy: another one begins."""
        self._drop()
        self._has_written = False
        self.pending_files = self.pending_rows = 0

    def _warn_of_landing(self) -> None:
        """Warns early of a table that the lake can hold and the warehouse cannot."""
        try:
            OWN_NAMES.check(self.table)
        except ConfigError as error:
            logger.warning(
                "it cannot be loaded under its own name: %s",
                error,
                extra={"table": str(self.table)},
            )

    def add_file(self, file: BatchFile) -> None:
        """Takes a Parquet file that a BATCH message names: checks, uploads and removes it.

        Raises:
            LakeError: It is not what it should be; nothing of it is committed.
        """
        self._lease.check()
        schema, path, facts = self._known_schema(), Path(file.path), file.facts
        conversions = facts.get("conversions") or {}
        for column in schema.key_properties:
            if column in conversions:
                raise key_error(schema, column, conversions[column])
        group = self._group(schema, _moment(facts.get("extracted_at"), self._store.started))
        with open_local(str(path), self.table) as opened:
            parquet = open_parquet(opened, path.name, self.table, _REWRITE)
            checked = check(parquet, schema, _row_count(facts), path.name)
            if not checked.rows and schema.is_known_empty(self._store.newest_commit(self.table)):
                path.unlink(missing_ok=True)
                return
            if checked.as_is and (self._options.partition_column is None or not checked.rows):
                group.files.append(
                    self._store.put(
                        self.table,
                        group.extracted_at,
                        schema.suffix,
                        None,
                        opened,
                        checked.rows,
                        facts.get("stats"),
                    )
                )
            else:
                group.spread(conformed(parquet, schema))
        group.conversions.merge(conversions)
        self._has_written = True
        self.pending_files += 1
        path.unlink(missing_ok=True)

    def add_records(self, records: Sequence[Json]) -> None:
        """Takes rows from RECORD messages.

        Raises:
            LakeError: A value does not fit its column.
        """
        if not records:
            return
        self._lease.check()
        group = self._group(self._known_schema(), self._store.started)
        group.spread([to_batch(records, group.schema, group.conversions)])
        self._has_written = True
        self.pending_rows += len(records)

    def add_empty_copy(self) -> None:
        """Takes a full copy in RECORD messages that had no row: a file says that none is left.

        Raises:
            LakeError: S3 refused.
        """
        self._lease.check()
        schema = self._known_schema()
        if schema.method != FULL_TABLE:
            return
        if schema.is_known_empty(self._store.newest_commit(self.table)):
            return
        self._group(schema, self._store.started).add_empty()
        self._has_written = True
        self.pending_files += 1

    def commit(self, bookmark: Json) -> list[str]:
        """Makes everything that waits loadable: one manifest for each schema and extraction.

        The lease is renewed before and after, so that a writer that was paused, and overtaken in
        the meantime, passes no STATE on.

        Args:
            bookmark: The stream's, which becomes true with this.

        Returns:
            The manifests' keys.

        Raises:
            LeaseError: The lease was lost.
            LakeError: S3 refused.
        """
        for group in self._groups:
            group.finish()
        groups = [group for group in self._groups if group.files]
        keys = []
        if groups:
            self._lease.renew()
            keys = [self._put_manifest(group, bookmark) for group in groups]
            self._lease.renew()
        self._groups, self.pending_files, self.pending_rows = [], 0, 0
        return keys

    def close(self) -> None:
        """Gives the lease back and drops what was not committed. Never raises."""
        self._drop()
        self._lease.release()

    def _drop(self) -> None:
        for group in self._groups:
            group.drop()
        self._groups = []

    def _put_manifest(self, group: FileGroup, bookmark: Json) -> str:
        manifest = Manifest(
            table=self.table,
            run_id=self._store.run_id,
            part=1,
            extracted_at=group.extracted_at,
            schema=group.schema.singer,
            key_properties=group.schema.key_properties,
            files=tuple(group.files),
            bookmark=dict(bookmark),
            conversions=group.conversions,
            fence=self._lease.fence,
            replication_method=group.schema.method,
        )
        report = current().table(self.table)
        with report.step("commit"):
            key = self._store.commit(manifest)
        report.add(rows=manifest.rows, bytes=manifest.size, files=len(manifest.files))
        report.convert(manifest.conversions)
        if (mark := bookmark.get("replication_key_value")) is not None:
            report.watermark = str(mark)
        logger.info(
            "%s: committed %s rows, files: %d",
            self.table,
            f"{manifest.rows:,}",
            len(manifest.files),
            extra={
                "table": str(self.table),
                "manifest": key,
                "rows": manifest.rows,
                "bytes": manifest.size,
                "files": len(manifest.files),
            },
        )
        return key

    def _known_schema(self) -> StreamSchema:
        if self._schema is None:
            raise LakeError("rows came before the stream's schema", table=self.table)
        return self._schema

    def _group(self, schema: StreamSchema, extracted_at: datetime) -> FileGroup:
        for group in self._groups:
            if group.extracted_at == extracted_at and group.schema.is_same(schema):
                return group
        self._groups.append(FileGroup(self.table, self._store, self._options, schema, extracted_at))
        return self._groups[-1]


def _moment(text: Any, default: datetime) -> datetime:
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise LakeError(f"a BATCH message has the extraction time {text!r}") from error
    if moment.tzinfo is None:
        raise LakeError(f"a BATCH message has the extraction time {text!r}, without a time zone")
    return moment.astimezone(UTC).replace(microsecond=0)


def _row_count(facts: Json) -> int | None:
    rows = facts.get("rows")
    return rows if rows is None else int(rows)
