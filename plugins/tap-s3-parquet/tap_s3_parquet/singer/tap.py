"""The Singer tap: the lake's tables as streams."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, ClassVar

from tidemark_core.names import TableName
from tidemark_core.s3.client import S3Location
from tidemark_core.settings import config_schema
from tidemark_singer.failures import Failures
from tidemark_singer.plugin import MAPPING
from tidemark_singer.tap import TAP_CAPABILITIES, PluginTap

from tap_s3_parquet.commits import Commit, from_file, from_manifest
from tap_s3_parquet.index import Index
from tap_s3_parquet.settings import SETTINGS, TapSettings
from tap_s3_parquet.singer.stream import LakeStream


class TapS3Parquet(PluginTap[TapSettings]):
    """Reads the committed files of a Parquet lake on S3."""

    name = "tap-s3-parquet"
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = config_schema(SETTINGS)
    capabilities: ClassVar[list[Any]] = [*TAP_CAPABILITIES, *MAPPING]
    settings_class = TapSettings
    after_signal = "the last STATE remains valid"

    def __init__(self, **arguments: Any) -> None:
        self._failures = Failures()
        super().__init__(**arguments)

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
        """Finds the tables; the newest commit of each defines its columns."""
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
            except Exception as error:  # noqa: BLE001 - reported; other tables continue
                self.failed(table, error)
                continue
            if newest is not None:
                streams.append(LakeStream(self, table, newest))
        return streams

    def failed(self, table: TableName, error: Exception) -> None:
        """Notes that a table could not be handed over; the other tables continue.

        Raises:
            TidemarkError: It is not the table's own.
        """
        self._failures.add(table.stream, table, error)

    def raise_failures(self) -> None:
        """Ends the run with what failed, once all other tables are done.

        Raises:
            Exception: A table failed.
        """
        self._failures.raise_any()

    def run(self) -> None:
        """Hands everything over.

        Raises:
            TidemarkError: A table failed; the others were handed over.
        """
        self.sync_all()
        self.raise_failures()

    def sync_all(self) -> None:  # type: ignore[misc]  # the SDK has no other place before a sync
        """Hands everything over; begins with a STATE, so that a target knows the old one."""
        if not self.state:
            self._state_writer.write_state({"bookmarks": {}})
        super().sync_all()

    def _newest(self, table: TableName) -> Commit | None:
        if (newest := self.index.newest(table)) is not None:
            return from_manifest(self.index, newest)
        if self.is_listing:
            for entry in reversed(self.index.files(table)):
                if (commit := from_file(self.index, table, entry)) is not None:
                    return commit
        return None
