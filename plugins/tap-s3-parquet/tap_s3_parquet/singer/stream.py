"""One table of the lake as a Singer stream."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig, StorageTarget
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage, SchemaMessage
from singer_sdk.streams import Stream
from tidemark_core.lake.parquet_reader import open_parquet
from tidemark_core.names import TableName
from tidemark_core.s3.object_reader import ObjectReader
from tidemark_core.types.singer_schema import METHOD

from tap_s3_parquet.backlog import Backlog
from tap_s3_parquet.bookmark import Bookmark
from tap_s3_parquet.commits import Commit, loads
from tap_s3_parquet.singer.records import records

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Context, Record

    from tap_s3_parquet.singer.tap import TapS3Parquet

_PARQUET = BaseBatchFileEncoding(format="parquet")
Load = Sequence[Commit]


@dataclass(frozen=True)
class _Announced:
    """What the last SCHEMA message said."""

    schema: dict[str, object]
    keys: tuple[str, ...] | None
    bookmark: str | None
    method: str | None


class LakeStream(Stream):
    """Hands over what was committed since the last run, one load after the other.

    The SCHEMA message before a load is that of its own manifests, not the catalog's: so what was
    written before a column was added is loaded as it was.

    Args:
        tap: The tap.
        table: The table.
        newest: The newest commit, whose schema the catalog shows.
    """

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(self, tap: TapS3Parquet, table: TableName, newest: Commit) -> None:
        super().__init__(tap, schema=newest.schema, name=table.stream)
        self.table = table
        self.forced_replication_method = "INCREMENTAL"
        self.primary_keys = newest.key_properties or ()
        self._lake_tap = tap
        self._announced: _Announced | None = None
        self._extracted_at = newest.extracted_at
        self._bookmarked_by = newest.replication_key
        self._method = newest.replication_method

    @cached_property
    def _backlog(self) -> Backlog:
        tap = self._lake_tap
        bookmark = Bookmark.from_state(self.stream_state, self.table)
        return Backlog(
            tap.index, self.table, bookmark, start=tap.settings.start_time, listing=tap.is_listing
        )

    @cached_property
    def _loads(self) -> Iterator[Load]:
        return loads(self._backlog.commits(), self._lake_tap.batch_rows)

    def get_batch_config(self, config: Mapping[str, Any]) -> BatchConfig | None:
        """Ours by default; another format when ``batch_config`` asks for it."""
        asked = super().get_batch_config(config)
        if asked is None and self._lake_tap.names_files:
            # The files stay where they are: the storage is never written to.
            return BatchConfig(encoding=_PARQUET, storage=StorageTarget("file:///"))
        return asked

    def get_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Reads the rows of each load; the bookmark moves when all of them are out.

        Raises:
            LakeError: A file is not the one that was committed.
        """
        for load in self._loads:
            self._announce(load[0])
            for commit in load:
                self._extracted_at = commit.extracted_at
                for file in commit.files:
                    index = self._lake_tap.index
                    reader = ObjectReader(
                        index.client, index.bucket, file.key, file.etag, file.size
                    )
                    with open_parquet(reader, file.key, self.table) as parquet:
                        yield from records(parquet)
            self._done(load)
        self._settle()

    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Names the files of each load in one BATCH message, followed by a STATE."""
        if batch_config.encoding is not _PARQUET:
            super()._sync_batches(batch_config, context)
            return
        try:
            for load in self._loads:
                # Of the load before. The SDK writes the last one's, once the bookmark is settled:
                # each STATE costs whoever keeps it several requests.
                self._write_state_message()
                self._announce(load[0])
                files = [
                    file.to_url()
                    for commit in load
                    for file in commit.batch_files(self._lake_tap.index.bucket)
                ]
                if files:
                    self._write_batch_message(_PARQUET, files)
                self._done(load)
            self._settle()
        except Exception as error:  # noqa: BLE001 - reported; other tables continue
            self._lake_tap.failed(self.table, error)

    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[Record, None, None]:
        try:
            yield from super()._sync_records(context, write_messages=write_messages)
        except Exception as error:  # noqa: BLE001 - reported; other tables continue
            self._lake_tap.failed(self.table, error)

    def _write_schema_message(self) -> None:
        """Begins with the schema of what is handed over first; if nothing is new, the newest."""
        if self._announced is not None:
            super()._write_schema_message()
            return
        try:
            first = next(self._loads, None)
        except Exception as error:  # noqa: BLE001 - raised again when a load is taken
            self._loads = _raising(error)
            first = None
        if first is None:
            super()._write_schema_message()
            return
        self._loads = chain([first], self._loads)
        self._announce(first[0])

    def _generate_record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        """Says when the row was read from the source, not when the lake was read."""
        for message in super()._generate_record_messages(record):
            message.time_extracted = self._extracted_at
            yield message

    def _generate_schema_messages(self) -> Generator[SchemaMessage, None, None]:
        """Says by which key a target may tell newer rows from older, or that they are full copies.

        The latter for files only: records do not say where one copy ends and another begins.
        """
        for message in super()._generate_schema_messages():
            if self._bookmarked_by is not None:
                message.bookmark_properties = [self._bookmarked_by]
            if self._method is not None and self._lake_tap.names_files:
                message.schema = {**message.schema, METHOD: self._method}
            yield message

    def _announce(self, commit: Commit) -> None:
        """Writes a SCHEMA message if a commit's schema differs from the last one's."""
        selected = get_selected_schema(self.name, commit.schema, self.mask)
        told = _Announced(
            selected, commit.key_properties, commit.replication_key, commit.replication_method
        )
        self._bookmarked_by = commit.replication_key
        self._method = commit.replication_method
        if told == self._announced:
            return
        self._schema = commit.schema
        # A catalog made from an older or newer manifest must not bend this one's types.
        self._input_schema = None
        if commit.key_properties is not None:
            self.primary_keys = commit.key_properties
        self._tap.mapper.register_raw_stream_schema(self.name, selected, self.primary_keys)
        self._stream_maps = None
        self._announced = told
        super()._write_schema_message()

    def _done(self, load: Load) -> None:
        self._backlog.done([entry for commit in load for entry in commit.entries])
        self._keep_bookmark()

    def _settle(self) -> None:
        if self._backlog.settle():
            self._keep_bookmark()

    def _keep_bookmark(self) -> None:
        state = self.stream_state
        state.clear()
        state.update(self._backlog.bookmark.to_state())
        self.state_manager.is_flushed = False

    def _increment_stream_state(self, *_: Any, **__: Any) -> None:
        """Does nothing: the bookmark moves by loads, not by rows."""

    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Does nothing: there is no replication key among the columns."""


def _raising(error: Exception) -> Iterator[Load]:
    """An iterator that raises what its predecessor raised when it was asked too early."""
    raise error
    yield ()
