"""The tap: settings, discovery, and the run over the selected tables."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import weakref
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk.singerlib import Catalog
from tidemark_core.errors import ConfigError, TidemarkError
from tidemark_core.logs import Event, log_event
from tidemark_core.names import TableName
from tidemark_core.process import TERMINATED
from tidemark_core.report_store import reporting
from tidemark_core.runs.progress import Display, display
from tidemark_core.settings import config_schema
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_singer.tap import TAP_CAPABILITIES, PluginTap

from tap_mysql.binlog.log import Log
from tap_mysql.extraction import run, telemetry
from tap_mysql.extraction.log.run import LogRun
from tap_mysql.incremental.options import Options
from tap_mysql.reading.spool_folder import TempFolder
from tap_mysql.settings import SETTINGS, TapSettings
from tap_mysql.singer.messages import Messages
from tap_mysql.singer.missing_tables import (
    copies_nothing,
    is_pattern,
    missing,
    nothing_selected,
    selected,
    undiscovered,
    warn_gone,
)
from tap_mysql.singer.state import checked
from tap_mysql.singer.stream import MySQLStream
from tap_mysql.source.arrow_query import Stopped
from tap_mysql.source.discovery import discover, existing
from tap_mysql.source.retry import persist
from tap_mysql.source.schema import Table
from tap_mysql.source.session.connection import Login, Source

if TYPE_CHECKING:
    from types import FrameType

logger = logging.getLogger("tap-mysql.empty")
_GRACE_SECONDS = 20.0
#: A wrong host is reported soon; a server that is full for the moment is retried until then.
_FIRST_CONTACT_SECONDS = 15.0


class TapMySQL(PluginTap[TapSettings]):
    """Reads MySQL into Parquet files, exactly and at the speed of the connection."""

    name = "tap-mysql"
    config_jsonschema: ClassVar[dict[str, Any]] = config_schema(SETTINGS)
    capabilities: ClassVar[list[Any]] = [*TAP_CAPABILITIES]
    settings_class = TapSettings

    def __init__(self, **arguments: Any) -> None:
        self.stop = threading.Event()
        self._resources = contextlib.ExitStack()
        self._closer = weakref.finalize(self, self._resources.close)
        self._missing: list[TableName] = []
        self._exit_code: int | None = None
        super().__init__(**arguments)

    # -- settings

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Adds nothing: the settings are those of `tap_mysql.settings`."""

    @cached_property
    def options(self) -> Options:
        """How tables are extracted; shared, so that what concerns all of them is reported once."""
        return self.settings.options()

    @property
    def parallel(self) -> int:
        """Queries at the same time."""
        is_sequential = self.settings.backup_strategy == "sequential"
        return 1 if is_sequential else self.settings.backup_max_workers

    # -- what is opened once, when first needed

    @cached_property
    def source(self) -> Source:
        """The server, through the tunnel if there is one.

        Raises:
            TunnelError: The bastion is unreachable, or not the one it should be.
        """
        settings = self.settings
        bastion = settings.bastion
        if bastion is None and settings.db_host.startswith("/"):
            raise ConfigError(
                "DB_HOST is a Unix socket, which can only be reached through a bastion",
                hint="set SSH_BASTION_HOST, or DB_HOST to a host name",
            )
        login, local_port = Login.of(settings), settings.ssh_local_port or None
        endpoint = self._resources.enter_context(
            open_endpoint(bastion, settings.db_host, settings.db_port, local_port)
        )
        source = Source(login, endpoint, settings.backup_timeout_seconds)
        return self._resources.enter_context(contextlib.closing(source))

    @cached_property
    def folder(self) -> TempFolder:
        """Where files are written."""
        folder = TempFolder(
            self.settings.backup_temp_dir,
            room=self.settings.backup_temp_max_mb * 2**20,
            patience=self.settings.backup_timeout_seconds,
        )
        self._resources.callback(folder.close)
        return folder

    @cached_property
    def display(self) -> Display:
        """Where progress is shown."""
        shown = display()
        self._resources.callback(shown.close)
        return shown

    @cached_property
    def messages(self) -> Messages:
        """The tap's output."""
        return Messages(self.write_message, cast("dict[str, Any]", self._state))

    # -- discovery

    def setup_mapper(self) -> None:
        """Nothing to map: see `MySQLStream.stream_maps`."""

    @property
    def catalog(self) -> Catalog:
        """The catalog of what is there now."""
        return self._singer_catalog

    def discover_streams(self) -> Sequence[MySQLStream]:
        """Looks at the databases of the settings, or at those that the catalog selects from."""
        selected = self._selected()
        schemas = self._schemas() if selected is None else {t.schema for t in selected}
        try:
            tables = self._discover(schemas, within=_FIRST_CONTACT_SECONDS)
        except Stopped:
            raise SystemExit(self._exit_code or TERMINATED) from None
        if selected is None:
            return [MySQLStream(self, table) for table in tables.values()]
        self._missing = [table for table in selected if table not in tables]
        return [MySQLStream(self, tables[table]) for table in selected if table in tables]

    def look_again(self, name: TableName) -> Table:
        """Reads one table's definition again, from the server that answers now.

        Raises:
            SourceError: It is gone.
        """
        self.source.close()
        tables = self._discover({name.schema})
        if name not in tables:
            raise missing(name)
        return tables[name]

    def _discover(
        self, schemas: Iterable[str], within: float | None = None
    ) -> dict[TableName, Table]:
        def ask() -> dict[TableName, Table]:
            with self.source.session() as session:
                return discover(session, schemas)

        attempts = self.settings.backup_retry_attempts
        return persist(ask, "table discovery", attempts, self.stop, within=within)

    def _schemas(self) -> set[str]:
        return {self.settings.db_database, *map(str, self.settings.db_schemas or ())}

    def _selected(self) -> list[TableName] | None:
        if self.input_catalog is None:
            return None
        return [
            TableName.from_stream(entry.tap_stream_id)
            for entry in self.input_catalog.streams
            if entry.metadata.resolve_selection().get((), True)
        ]

    # -- state

    def load_state(self, state: dict[str, Any]) -> None:
        """Takes the state, whose shape is checked here and whose bookmarks where they are used.

        Raises:
            StateError: It is not Singer state.
        """
        self._state.update(cast("Any", checked(state)))

    # -- running

    def extract(self, streams: Sequence[MySQLStream]) -> None:
        """Extracts some streams' tables.

        Raises:
            TidemarkError: No table is selected, or one failed; the others were extracted all the
                same.
        """
        if not streams and copies_nothing(os.environ):
            logger.warning("nothing is copied yet: tidemark add SCHEMA.TABLE")
            return
        self._greet()
        self.messages.begin()
        together = self.settings.backup_strategy == "inter-table"
        workers = self.settings.backup_max_workers if together else 1
        outcomes = run.run([s for s in streams if not s.is_log_based], workers, self.stop)
        outcomes += self._by_log(workers).run([s for s in streams if s.is_log_based])
        outcomes += [run.failed(name, error) for name, error in sorted(self._unread().items())]
        if not outcomes:
            raise nothing_selected(len(self._catalogued() or self.streams), self._schemas())
        telemetry.run_ended(self.settings.backup_strategy, outcomes)
        run.raise_failures(outcomes)

    def _by_log(self, workers: int) -> LogRun:
        attempts = self.settings.backup_retry_attempts
        return LogRun(Log(self.source), workers, attempts, self.stop)

    def _unread(self) -> dict[TableName, TidemarkError]:
        """What is selected but was not read, with the error; warns of what was backed up before."""
        known = {stream.table for stream in cast("dict[str, MySQLStream]", self.streams).values()}
        rules = selected(os.environ) - known
        named = {table for table in rules if not is_pattern(table)}
        marked = map(TableName.from_stream, self._state.get("bookmarks", {}))
        asked = {*named, *(table for table in marked if table.schema)} - known
        with self.source.session() as session:
            there = existing(session, asked)
        absent = {*self._missing, *named} - there
        warn_gone(asked - absent, there)
        schemas = self._schemas() | {table.schema for table in known}
        errors = undiscovered(rules - self._catalogued(), there, schemas)
        return errors | {table: missing(table) for table in absent}

    def _catalogued(self) -> set[TableName]:
        catalog = self.input_catalog
        return (
            {TableName.from_stream(e.tap_stream_id) for e in catalog.streams} if catalog else set()
        )

    def _greet(self) -> None:
        def ask() -> None:
            with self.source.session() as session:
                telemetry.connected(session, self.settings.db_database)

        attempts = self.settings.backup_retry_attempts
        persist(ask, "the connection to MySQL", attempts, self.stop)

    def run(self) -> None:
        """Extracts what the catalog selects.

        Raises:
            TidemarkError: A table failed; the others were extracted.
            SystemExit: The run was stopped by a signal.
        """
        try:
            with reporting("extract"):
                log_event(telemetry.logger, Event.CLI_INITIALIZED)
                self.extract([s for s in self.streams.values() if s.selected])  # type: ignore[misc]
        except Stopped:
            raise SystemExit(self._exit_code or TERMINATED) from None
        finally:
            self.close()

    def close(self) -> None:
        """Closes the tunnel and removes what is unfinished."""
        self._resources.close()

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Stops at the next batch, with the signal's exit code; what is committed stays true."""
        self._exit_code = 128 + signum
        if self.stop.is_set():
            return
        self.stop.set()
        if "source" not in self.__dict__:
            raise SystemExit(self._exit_code)
        guard = threading.Timer(_GRACE_SECONDS, os._exit, (self._exit_code,))
        guard.daemon = True
        guard.start()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
