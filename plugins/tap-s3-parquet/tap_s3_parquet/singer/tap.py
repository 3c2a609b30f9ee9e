"""The Singer tap: the lake's tables as streams."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from types import FrameType
from typing import IO, Any, ClassVar

from singer_sdk.helpers._util import load_json
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.plugin_base import _ConfigInput
from singer_sdk.tap_base import Tap
from tidemark_core.names import TableName
from tidemark_core.process import end_by
from tidemark_core.s3.client import S3Location
from tidemark_core.settings import config_schema
from tidemark_core.typed_settings import read, values
from tidemark_singer.failures import Failures

from tap_s3_parquet.bookmark import read_state
from tap_s3_parquet.commits import Commit, from_file, from_manifest
from tap_s3_parquet.index import Index
from tap_s3_parquet.settings import SETTINGS, TapSettings
from tap_s3_parquet.singer.stream import LakeStream

_log = logging.getLogger("tap_s3_parquet.tap")


class TapS3Parquet(Tap):
    """Reads the committed files of a Parquet lake on S3."""

    name = "tap-s3-parquet"
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = config_schema(SETTINGS)
    capabilities: ClassVar[list[Any]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ABOUT,
        PluginCapabilities.BATCH,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, **arguments: Any) -> None:
        self._failures = Failures()
        super().__init__(**arguments)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Resolves the settings first, whose errors name the variable and the next step."""
        self.settings = read(TapSettings, self._config)
        self._config = {**self._config, **values(self.settings)}
        self.start_time = self.settings.start_time
        return list(super()._validate_config(raise_errors=raise_errors))

    @cached_property
    def index(self) -> Index:
        """The lake."""
        return Index(S3Location.of(self.settings))

    @property
    def is_listing(self) -> bool:
        """Whether files that have no manifest are read too."""
        return self.settings.s3_discover == "listing"

    @property
    def names_files(self) -> bool:
        """Whether files are named instead of read."""
        return self.settings.s3_output == "batch"

    @property
    def batch_rows(self) -> int:
        """Rows of one load."""
        return self.settings.s3_batch_rows

    def discover_streams(self) -> Sequence[LakeStream]:
        """Finds the tables; the newest commit of each tells its columns."""
        found = set(self.index.tables(listing=False))
        if self.is_listing:
            found.update(self.index.tables(listing=True))
        wanted = self.settings.s3_tables
        streams = []
        for table in sorted(found):
            if wanted and not any(fnmatchcase(str(table), pattern) for pattern in wanted):
                continue
            try:
                newest = self._newest(table)
            except Exception as error:  # noqa: BLE001 - told of the table; others go on
                self.failed(table, error)
                continue
            if newest is not None:
                streams.append(LakeStream(self, table, newest))
        return streams

    def failed(self, table: TableName, error: Exception) -> None:
        """Notes that a table could not be handed over; the others go on.

        Raises:
            TidemarkError: It is none of the table's own.
        """
        self._failures.add(table.stream, table, error)

    def raise_failures(self) -> None:
        """Ends the run with what failed, once all other tables are done.

        Raises:
            Exception: A table failed.
        """
        self._failures.raise_any()

    def sync_all(self) -> None:  # type: ignore[misc]  # the SDK has no other place before a sync
        """Hands everything over; begins with a STATE, so that a target knows what was before."""
        if not self.state:
            self._state_writer.write_state({"bookmarks": {}})
        super().sync_all()

    def _newest(self, table: TableName) -> Commit | None:
        manifests = self.index.manifests(table)
        if manifests:
            return from_manifest(self.index, manifests[-1])
        if self.is_listing:
            for entry in reversed(self.index.files(table)):
                if (commit := from_file(self.index, table, entry)) is not None:
                    return commit
        return None

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Ends at once."""
        end_by(signum, _log, "the last STATE stands")

    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        """Runs the tap; a table that fails makes the exit code, but stops no other."""
        if about:
            cls.print_about(about_format)
            return
        given = config or _ConfigInput()
        tap = cls(
            config=given.config,
            state=None if state is None else read_state(state.read()),
            catalog=None if catalog is None else load_json(catalog.read()),
            parse_env_config=given.parse_env,
        )
        tap.sync_all()
        tap.raise_failures()
