"""The Singer target: wiring between the SDK's messages and the loader."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from tidemark_core.errors import ConfigError
from tidemark_core.host.temporary_folder import temporary_folder
from tidemark_core.names import EXTRACTED_AT, LandingNames, TableName, encode_component
from tidemark_core.run_context import run_id
from tidemark_core.runs.progress import Display, Meter, display
from tidemark_core.s3.client import S3Location
from tidemark_core.settings import LANDING_NAMES, SUPER_COLUMNS, Setting, config_schema
from tidemark_core.text.documents import Json
from tidemark_core.types.singer_schema import FULL_TABLE, replication_method
from tidemark_core.types.super_columns import SuperColumns
from tidemark_singer.files.batch_file import BatchFile
from tidemark_singer.plugin import CAPABILITIES, MAPPING
from tidemark_singer.target.isolating_target import IsolatingTarget, Message

from target_redshift import events
from target_redshift.loader import TableLoader
from target_redshift.settings import SETTINGS, LoadSettings
from target_redshift.singer.sink import RedshiftSink
from target_redshift.singer.table_leases import TableLeases
from target_redshift.staging.load_file import LoadFile, check_location, fetch
from target_redshift.warehouse.copy_authorization import authorization
from target_redshift.warehouse.session import Session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class TargetRedshift(IsolatingTarget[LoadSettings]):
    """Loads Amazon Redshift."""

    name = "target-redshift"
    config_jsonschema = config_schema(SETTINGS)
    default_sink_class = RedshiftSink
    capabilities: ClassVar[list[Any]] = [*CAPABILITIES, *MAPPING]
    settings_class = LoadSettings
    after_signal = "no partial load remains"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        # One table at a time: COPY uses the whole warehouse anyway, and memory stays bounded.
        self.max_parallelism = 1
        self.started_at = datetime.now(UTC)
        self.at_end = False
        self._resources = ExitStack()
        self._bookmarks: dict[str, list[str]] = {}
        self._full_tables: set[str] = set()

    # ------------------------------------------------------------------ what the sinks use
    @cached_property
    def settings(self) -> LoadSettings:
        """The settings, checked for contradictions.

        Raises:
            ConfigError: One is missing or wrong.
        """
        settings = super().settings
        authorization(settings.redshift_iam_role, S3Location.of(settings))
        if settings.load_format == "parquet" and settings.load_method == "upsert":
            raise ConfigError(
                "LOAD_FORMAT=parquet cannot be combined with LOAD_METHOD=upsert",
                hint="set LOAD_FORMAT=csv",
            )
        return settings

    @cached_property
    def names(self) -> LandingNames:
        """The landing tables' names.

        Raises:
            ConfigError: LANDING_NAMES is wrong.
        """
        return LandingNames.parse(_told(LANDING_NAMES, self.settings.landing_names))

    @cached_property
    def super_columns(self) -> SuperColumns:
        """The columns that are SUPER.

        Raises:
            ConfigError: SUPER_COLUMNS is wrong.
        """
        return SuperColumns.parse(_told(SUPER_COLUMNS, self.settings.super_columns))

    @cached_property
    def s3(self) -> S3Location:
        return S3Location.of(self.settings)

    @cached_property
    def client(self) -> S3Client:
        return self.s3.client()

    @cached_property
    def run_id(self) -> str:
        return run_id()

    @cached_property
    def session(self) -> Session:
        session = Session(self.settings, f"tidemark target-redshift {self.run_id}"[:63])
        self._resources.callback(session.close)
        return session

    @cached_property
    def _leases(self) -> TableLeases:
        owner, seconds = f"{self.name} run {self.run_id}", self.settings.s3_lease_seconds
        return TableLeases(self.client, self.s3, owner, seconds, self._resources, self.logger)

    @cached_property
    def _temporary(self) -> Path:
        return self._resources.enter_context(temporary_folder("target"))

    @cached_property
    def _display(self) -> Display:
        shown = display()
        self._resources.callback(shown.close)
        return shown

    def folder(self, table: TableName) -> Path:
        """A new folder for a stream's temporary files."""
        return Path(
            tempfile.mkdtemp(prefix=encode_component(table.table)[:60], dir=self._temporary)
        )

    def loader(self, sink: RedshiftSink) -> TableLoader:
        """The loader of a sink's table; takes the table's lease the first time.

        Raises:
            LeaseError: Another process is loading the table.
        """
        return TableLoader(
            config=self.settings,
            s3=self.s3,
            client=self.client,
            lease=self._leases.of(sink.table),
            landing=sink.landing,
            session=self.session,
            meter=Meter(str(sink.table), self._display),
            method=sink.method,
            is_copied=sink.is_copied,
            newest=self._newest(sink),
        )

    def is_copied(self, stream: str) -> bool:
        """Whether a stream's full copies take each other's place in its landing table."""
        by_copy = self.settings.load_full_tables == "overwrite"
        return by_copy and self.raw(stream) in self._full_tables

    def _newest(self, sink: RedshiftSink) -> list[str]:
        """The columns that tell a key's newest row: the stream's bookmark, then its extraction."""
        folded = {column.source: column.name for column in sink.landing.columns}
        named = self._bookmarks.get(sink.stream_name, [])
        return [*(folded[name] for name in named if name in folded), EXTRACTED_AT]

    def is_of_another_tap(self, batch: BatchFile) -> bool:
        """Whether a BATCH names an object of S3_BATCH_PREFIXES without facts about it."""
        return (
            batch.url.startswith("s3://")
            and not batch.facts
            and any(map(batch.s3_location[1].startswith, self.settings.s3_batch_prefixes))
        )

    def local_copy(self, batch: BatchFile, table: TableName, folder: Path) -> Path:
        """A BATCH file on the local disk.

        Raises:
            LakeError: It is somewhere else than it may be, or cannot be read.
        """
        if batch.url.startswith("file://"):
            return Path(batch.path)
        bucket, key = batch.s3_location
        file = LoadFile(key, "", 0, 0, self.started_at, bucket=bucket)
        check_location(
            file,
            table=table,
            bucket=self.s3.bucket,
            layout=self.s3.layout,
            others=self.settings.s3_batch_prefixes,
        )
        return fetch(self.client, file, folder, 0, table)

    # ------------------------------------------------------------------ messages
    def run(self, file_input: IO[str] | None) -> None:
        """Loads what the input has.

        Raises:
            TidemarkError: A table failed; the others are loaded.
        """
        _ = self.settings, self.names
        with events.loading(self.s3):
            self.listen(file_input)

    def close(self) -> None:
        """Gives leases back, ends the session, removes temporary files."""
        self._resources.close()

    def process_endofpipe(self) -> None:
        """Loads the rest, gives the leases back, ends the session.

        Raises:
            TidemarkError: A table failed; the others are loaded.
        """
        self.at_end = True
        with self._resources:
            super().process_endofpipe()
            self._leases.remove_abandoned()
        self.failures.raise_any()

    def drop(self, stream: str) -> None:
        """Gives a stream's lease back and removes what it has collected."""
        for sink in self._sinks_of(stream):
            sink.drop()
        self._leases.release(TableName.from_stream(stream))

    def begin_anew(self, stream: str) -> None:
        """Forgets what a stream has collected of a full copy."""
        for sink in self._sinks_of(stream):
            sink.forget()

    def cut_off(self) -> frozenset[str]:
        """An overwrite replaces a copy only with a complete one."""
        unfinished = self.copies.unfinished
        if self.settings.load_method == "overwrite":
            return unfinished
        return super().cut_off() | {stream for stream in unfinished if self.is_copied(stream)}

    def holds(self, stream: str) -> bool:
        """Whether nothing of a stream may be loaded now, as with an incomplete copy."""
        is_part = self.is_copied(stream) and self.raw(stream) in self.copies.unfinished
        return is_part or super().holds(stream)

    def _sinks_of(self, stream: str) -> list[RedshiftSink]:
        sinks = (self._sinks_active.get(stream), *self._sinks_to_clear)
        return [s for s in sinks if isinstance(s, RedshiftSink) and s.stream_name == stream]

    def _process_schema_message(self, message_dict: Message) -> None:
        """Remembers what the SDK drops: its bookmark property, and whether it is copied whole."""
        stream = message_dict.get("stream", "")
        named = message_dict.get("bookmark_properties") or []
        self._bookmarks[stream] = [str(name) for name in named]
        is_full = replication_method(message_dict.get("schema")) == FULL_TABLE
        (self._full_tables.add if is_full else self._full_tables.discard)(stream)
        super()._process_schema_message(message_dict)

    def _process_state_message(self, message_dict: Message) -> None:
        """Loads what was collected, then passes the STATE on.

        An overwrite holds its STATE back until the end: what it claims is loaded only then.
        """
        super()._process_state_message(message_dict)
        if self.settings.load_method == "overwrite":
            return
        # Sinks of an earlier schema, which the SDK would forget.
        held = [sink for sink in self._sinks_to_clear if self.holds(sink.stream_name)]
        self._sinks_to_clear = [sink for sink in self._sinks_to_clear if sink not in held]
        self.drain_all()
        self._sinks_to_clear += held

    def _handle_max_record_age(self) -> None:
        """Loads nothing for its age: a load ends with a STATE, or when a sink is full."""


def _told(setting: Setting, configured: Json) -> Any:
    """The value of a setting of the project's files: a variable that is set wins."""
    return setting.convert(os.environ.get(setting.env)) or configured
