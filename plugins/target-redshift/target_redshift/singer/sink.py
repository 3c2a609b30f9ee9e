"""The SDK's sink: collects a stream's files and records, and loads them when it is drained."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from singer_sdk.helpers._batch import BaseBatchFileEncoding
from singer_sdk.sinks import BatchSink
from tidemark_core.errors import LakeError
from tidemark_core.names import DELETED_AT, EXTRACTED_AT, TableName
from tidemark_singer.files.batch_file import BatchFile
from tidemark_singer.files.local_file import read_records
from tidemark_singer.target.isolating_target import remove_local

from target_redshift.model.landing_table import LandingTable
from target_redshift.singer.record_spool import Spool
from target_redshift.staging.load_file import LoadFile, check_location, local_file
from target_redshift.warehouse.load_methods import check_method

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Context, Record
    from tidemark_singer.target.isolating_target import Message

    from target_redshift.singer.target import TargetRedshift


class RedshiftSink(BatchSink):
    """One stream's way into its landing table."""

    def __init__(
        self,
        target: TargetRedshift,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
    ) -> None:
        super().__init__(target, stream_name, schema, key_properties)
        self._target = target
        self.table = TableName.from_stream(stream_name)
        self.landing = LandingTable.from_schema(
            self.table, self.schema, key_properties or [], target.names, target.super_columns
        )
        self._warn_of_missing()
        self.is_copied = target.is_copied(stream_name)
        self.method = "overwrite" if self.is_copied else target.settings.load_method
        # A full copy is known from its files; what any other overwrite holds, only at the end.
        self._awaits_end = self.method == "overwrite" and not self.is_copied
        check_method(self.landing, self.method)
        self._is_dropped = False
        self._files: list[LoadFile] = []
        self._folder = target.folder(self.table)
        self._spool = Spool(self.landing, self._folder)

    def _warn_of_missing(self) -> None:
        """Tells SUPER columns that are not there: files from before a column was added lack it."""
        columns = [column.source for column in self.landing.columns]
        if missing := self._target.super_columns.missing(self.table, columns):
            self.logger.warning(
                "SUPER_COLUMNS names columns that the stream does not have: %s",
                ", ".join(missing),
                extra={"table": str(self.table)},
            )

    # ------------------------------------------------------------------ what the SDK asks
    @property
    def include_sdc_metadata_properties(self) -> bool:
        """Always: a record's time of extraction goes into the table."""
        return True

    def _add_sdc_metadata_to_schema(self) -> None:
        """Adds nothing: `LandingTable` tells metadata from columns, and has columns for it."""

    def _add_sdc_metadata_to_record(
        self, record: Record, message: Message, context: Context
    ) -> None:
        del context
        record[EXTRACTED_AT] = (
            message.get("time_extracted")
            or record.get(EXTRACTED_AT)
            or self._target.started_at.isoformat()
        )
        record[DELETED_AT] = record.get(DELETED_AT)

    def get_validator(self) -> None:
        """None: values are checked against their types when they are converted.

        The SDK's own validator shows the value in its message.
        """

    def _validate_and_parse(self, record: Record) -> Record:
        return record

    @property
    def current_size(self) -> int:
        """Rows that wait to be loaded; at least 1 when anything must be done; 0 while held."""
        if self._is_dropped or self._target.holds(self.stream_name):
            return 0
        waiting = self._spool.rows + sum(file.rows for file in self._files)
        return waiting or int(bool(self._files) or self._awaits_end)

    @property
    def is_full(self) -> bool:
        """Whether records must be loaded before the next STATE; a full copy is loaded whole."""
        if self.method == "overwrite" or self._spool.rows < self.max_size:
            return False
        return not self._target.holds(self.stream_name)

    @property
    def max_size(self) -> int:
        """Records per load: many, because a COPY of few rows costs as much as one of many."""
        return cast(int, self.config.get("batch_size_rows") or 500_000)

    # ------------------------------------------------------------------ collecting
    def process_record(self, record: Record, context: Context) -> None:
        """Takes a record."""
        del context
        self._spool.add(record)

    def process_batch_files(self, encoding: BaseBatchFileEncoding, files: Sequence[str]) -> None:
        """Takes the files of a BATCH message; they are loaded with the next STATE.

        Raises:
            LakeError: A file is of another format, somewhere else, or cannot be read.
        """
        target = self._target
        for url in files:
            batch = BatchFile.from_url(url)
            has_more = batch.facts.get("has_more") is True
            target.copies.file(target.raw(self.stream_name), has_more=has_more)
            if encoding.format == "jsonl":
                self._read_lines(batch, encoding.compression)
                continue
            if encoding.format != "parquet":
                raise LakeError(
                    f"a BATCH message has files of format {encoding.format!r}",
                    table=self.table,
                    hint="configure the tap to write parquet or jsonl",
                )
            if target.is_of_another_tap(batch):
                self._files.append(self._looked_at(batch))
                continue
            file = LoadFile.from_batch(
                batch, table=self.table, run_id=target.run_id, now=target.started_at
            )
            check_location(
                file,
                table=self.table,
                bucket=target.s3.bucket,
                layout=target.s3.layout,
                others=target.settings.s3_batch_prefixes,
            )
            self._files.append(file)

    def _looked_at(self, batch: BatchFile) -> LoadFile:
        """Fetches a Parquet object that no manifest describes, and looks at it."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        return local_file(
            self._target.local_copy(batch, self.table, folder),
            table=self.table,
            run_id=self._target.run_id,
            extracted_at=self._target.started_at,
            name=batch.s3_location[1],
        )

    def _read_lines(self, batch: BatchFile, compression: str | None) -> None:
        path = self._target.local_copy(batch, self.table, self._folder)
        for record in read_records(str(path), self.table, is_gzip=compression == "gzip"):
            self._add_sdc_metadata_to_record(record, {}, {})
            self._spool.add(record)
        if batch.url.startswith("s3://"):
            path.unlink()

    # ------------------------------------------------------------------ loading
    def process_batch(self, context: Context) -> None:
        """Loads everything that has been collected, in one transaction.

        After an error of the table's own, nothing was loaded and the stream ends.
        """
        del context
        if self._awaits_end and not self._target.at_end:
            return
        try:
            self._load()
        except Exception as error:  # noqa: BLE001 - reported; other streams continue
            self._target.fail(self.stream_name, error)

    def drop(self) -> None:
        """Forgets all of it: the stream has failed. Never raises."""
        self._is_dropped = True
        self.forget()

    def forget(self) -> None:
        """Removes what was collected. Never raises."""
        remove_local([file.name for file in self._files if file.path])
        self._files.clear()
        with contextlib.suppress(OSError):
            self._spool.discard()
        self._spool = Spool(self.landing, self._folder)

    def _load(self) -> None:
        files = list(self._files)
        if self._spool.rows:
            files.append(
                self._spool.finish(run_id=self._target.run_id, extracted_at=datetime.now(UTC))
            )
        try:
            self._target.loader(self).load(files)
        finally:
            self._spool.discard()
        for file in self._files:
            if file.path:
                # Ours since the BATCH message named it, as with target-s3-parquet.
                Path(file.path).unlink(missing_ok=True)
        self._files.clear()
        self._spool = Spool(self.landing, self._folder)

    def activate_version(self, new_version: int) -> None:
        """Does nothing: a version message never deletes rows; LOAD_METHOD=overwrite does."""
        self.logger.info(
            "ACTIVATE_VERSION ignored: no rows are deleted",
            extra={"table": str(self.table), "version": new_version},
        )

    def clean_up(self) -> None:
        """Removes the stream's temporary folder."""
        super().clean_up()
        shutil.rmtree(self._folder, ignore_errors=True)
