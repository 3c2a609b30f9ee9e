"""The Singer target: what is committed before which STATE is passed on."""

from __future__ import annotations

import logging
import time
from typing import IO, Any, ClassVar

from singer_sdk.helpers.capabilities import TargetCapabilities
from singer_sdk.sinks import Sink
from tidemark_core.errors import LakeError
from tidemark_core.logs import Event, log_event
from tidemark_core.names import TableName
from tidemark_core.report_store import reporting
from tidemark_core.run_context import run_id
from tidemark_core.s3.client import S3Location
from tidemark_core.settings import config_schema
from tidemark_singer.plugin import CAPABILITIES, MAPPING
from tidemark_singer.target.isolating_target import IsolatingTarget, Message

from target_s3_parquet.file_group import WriteOptions
from target_s3_parquet.settings import SETTINGS, TargetSettings
from target_s3_parquet.singer.sink import LakeSink
from target_s3_parquet.store import Store
from target_s3_parquet.table import TableWriter

logger = logging.getLogger("target_s3_parquet.target")


class TargetS3Parquet(IsolatingTarget[TargetSettings]):
    """Writes a hive-partitioned Parquet lake on S3.

    A STATE is passed on only when everything that came before it is named by manifests. Files of
    BATCH messages are committed at each STATE; rows of RECORD messages when enough of them have
    come together, so that a tap that writes a STATE every few thousand rows makes no small files.
    A full copy waits until it is whole: half of one would be taken for the newest.
    """

    name = "target-s3-parquet"
    config_jsonschema: ClassVar[dict[str, Any]] = config_schema(SETTINGS)
    default_sink_class = LakeSink
    settings_class = TargetSettings
    after_signal = "what was committed stays"
    capabilities: ClassVar[list[Any]] = [
        *CAPABILITIES,
        *MAPPING,
        TargetCapabilities.VALIDATE_RECORDS,
    ]

    def __init__(self, **arguments: Any) -> None:
        self._tables: dict[str, TableWriter] = {}
        self._store: Store | None = None
        self._committed_at = time.monotonic()
        super().__init__(**arguments)
        self.max_parallelism = 1

    def table(self, stream: str) -> TableWriter:
        """The writer of a stream's table; takes its lease the first time.

        Raises:
            LeaseError: Another process is writing it.
            LakeError: S3 refused.
        """
        if stream not in self._tables:
            settings, table = self.settings, TableName.from_stream(stream)
            if self._store is None:
                place = S3Location.of(settings)
                self._store = Store(place, run_id(), settings.s3_lease_seconds)
            options = WriteOptions(
                accept_changes=settings.s3_schema_changes == "accept",
                file_rows=settings.s3_file_rows,
                partition_column=settings.s3_partition_columns.get(str(table)),
                temp_dir=settings.s3_temp_dir,
            )
            self._tables[stream] = TableWriter(table, self._store, options)
        return self._tables[stream]

    def get_sink(self, stream_name: str, **arguments: Any) -> Sink:
        """Drains a sink before a new schema replaces it: its rows are of the old one."""
        known = self._sinks_active.get(stream_name)
        if known is not None and arguments.get("schema") not in (None, known.original_schema):
            self.drain_one(known)
            self.failures.check(self.raw(stream_name))
        return super().get_sink(stream_name, **arguments)

    def process_endofpipe(self) -> None:
        """Commits what is left and gives the leases back.

        Raises:
            TidemarkError: A table failed, or its files came without their STATE: the tap has died.
                The others are done.
        """
        for stream, table in list(self._tables.items()):
            if table.pending_files:
                error = LakeError(
                    f"the input ended before the STATE that covers its last "
                    f"{table.pending_files} files; they were not committed",
                    table=table.table,
                    hint="see the tap's error, then run again: their rows will be read again",
                )
                self.fail(stream, error)
        super().process_endofpipe()
        self._commit({})
        self.close()
        self.failures.raise_any()

    def drop(self, stream: str) -> None:
        """Gives a stream's lease back and drops what it has not committed."""
        for sink in (self._sinks_active.get(stream), *self._sinks_to_clear):
            if isinstance(sink, LakeSink) and sink.stream_name == stream:
                sink.is_dropped = True
        if (table := self._tables.pop(stream, None)) is not None:
            table.close()

    def begin_anew(self, stream: str) -> None:
        """Drops what has come of a stream's full copy."""
        if isinstance(sink := self._sinks_active.get(stream), LakeSink):
            sink.forget()
        if stream in self._tables:
            self._tables[stream].give_up_part()

    def close(self) -> None:
        """Gives all leases back and drops what was not committed. Never raises."""
        for table in self._tables.values():
            table.close()
        self._tables.clear()

    def _process_activate_version_message(self, message_dict: Message) -> None:
        """Notes that a full copy is complete; no row of the lake is ever deleted."""
        stream = message_dict.get("stream", "")
        has_rows = stream in self.copies.unfinished
        self.copies.activate(stream, message_dict.get("version"))
        if not has_rows:
            self._guarded(message_dict, self._add_empty_copy)

    def _add_empty_copy(self, message_dict: Message) -> None:
        for alias in self._aliases(message_dict["stream"]):
            if (table := self._tables.get(alias)) is not None:
                table.add_empty_copy()

    def _process_state_message(self, message_dict: Message) -> None:
        super()._process_state_message(message_dict)
        if self._is_commit_due():
            self.drain_all()

    def _is_commit_due(self) -> bool:
        tables = {stream: t for stream, t in self._tables.items() if not self.holds(stream)}
        if any(table.pending_files for table in tables.values()):
            return True
        rows = sum(table.pending_rows for table in tables.values())
        rows += sum(self._sinks_active[s].current_size for s in tables if s in self._sinks_active)
        return (
            rows == 0
            or rows >= self.settings.s3_commit_rows
            or time.monotonic() - self._committed_at >= self.settings.s3_commit_seconds
        )

    def _handle_max_record_age(self) -> None:
        """Does nothing: a commit happens at a STATE, never between two."""

    def _write_state_message(self, state: dict[str, Any]) -> None:
        self._commit(state)
        super()._write_state_message(state)

    def _commit(self, state: dict[str, Any]) -> None:
        bookmarks = state.get("bookmarks")
        for stream, table in list(self._tables.items()):
            if self.holds(stream):
                continue
            mark = bookmarks.get(stream) if isinstance(bookmarks, dict) else None
            try:
                table.commit(mark if isinstance(mark, dict) else {})
            except Exception as error:  # noqa: BLE001 - reported; other streams continue
                self.fail(stream, error)
        self._committed_at = time.monotonic()

    def run(self, file_input: IO[str] | None) -> None:
        """Writes what the input has; gives the leases back however it ends."""
        log_event(logger, Event.CLI_INITIALIZED)
        with reporting("lake", S3Location.of(self.settings)):
            self.listen(file_input)
