"""Stages the files of one load and keeps track of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tidemark_core.errors import TidemarkError
from tidemark_core.runs.progress import Meter
from tidemark_core.s3.client import S3Location

from target_redshift.model.landing_table import LandingTable
from target_redshift.model.schema_drift import Drift
from target_redshift.settings import LoadSettings
from target_redshift.staging.area import remove_staging
from target_redshift.staging.csv_encoder import NULL_MARKER, MarkerCollisionError, other_marker
from target_redshift.staging.csv_stager import Staged, Stager
from target_redshift.staging.load_file import LoadFile
from target_redshift.staging.parquet_stager import StagedParquet, UnfitError, stage_parquet
from target_redshift.staging.value_fitter import Cleaner
from target_redshift.warehouse.ledger import Ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger("target_redshift.stages")


@dataclass
class Stages:
    """The staged parts of one load; a further attempt uses them again.

    Attributes:
        config: The settings.
        s3: The lake's bucket.
        client: S3 client.
        landing: The table.
        meter: Counts rows as they are staged.
        method: Load method of this table.
    """

    config: LoadSettings
    s3: S3Location
    client: S3Client
    landing: LandingTable
    meter: Meter
    method: str
    _format: str = field(init=False)
    _known: tuple[tuple[str, ...], dict[str, int], int, Staged] | None = None
    _prefixes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._format = self.config.load_format
        if self._format == "auto" and self.method == "upsert":
            self._by_csv("an upsert numbers its rows")

    def of(self, files: Sequence[LoadFile], drift: Drift, ledger: Ledger) -> tuple[int, Staged]:
        """Stages files, unless an earlier attempt did; returns load id and parts."""
        names = tuple(file.name for file in files)
        if self._known and self._known[:2] == (names, drift.widths):
            return self._known[2], self._known[3]
        load_id = ledger.next_load_id()
        prefix = self.s3.layout.staging_prefix(self.landing.table, load_id)
        self._prefixes.append(prefix)
        staged = self._stage(files, load_id, prefix, drift)
        self._known = (names, drift.widths, load_id, staged)
        return load_id, staged

    def go_by_csv(self, staged: Staged, why: str) -> bool:
        """Whether a load whose COPY was refused may be tried by CSV; if so, it is staged as CSV."""
        may = self._format == "auto" and isinstance(staged, StagedParquet)
        if may:
            self._by_csv(why, logging.WARNING)
        return may

    def remove(self) -> None:
        """Removes what was staged; a failure here must not hide the load's own outcome."""
        for prefix in self._prefixes:
            try:
                remove_staging(self.client, self.s3.bucket, prefix)
            except TidemarkError as error:
                logger.warning(
                    "could not remove staged parts; the next load will: %s",
                    error.message,
                    extra={"prefix": prefix},
                )

    def _by_csv(self, why: str, level: int = logging.INFO) -> None:
        self._format, self._known = "csv", None
        table = str(self.landing.table)
        logger.log(level, "loaded as CSV: %s", why, extra={"table": table})

    def _stage(self, files: Sequence[LoadFile], load_id: int, prefix: str, drift: Drift) -> Staged:
        if self._format != "csv":
            try:
                return self._stage_parquet(files, prefix)
            except UnfitError as error:
                if self._format != "auto":
                    raise
                self._by_csv(str(error))
        return self._stage_csv(files, load_id, prefix, drift)

    def _stage_parquet(self, files: Sequence[LoadFile], prefix: str) -> Staged:
        self.meter.begin(sum(file.rows for file in files), (None, None))
        found = stage_parquet(self.client, self.s3.bucket, prefix, self.landing, files)
        # COPY reads the lake's own files: nothing else is to be staged.
        self.meter.add(rows=found.rows, bytes=found.size)
        return found

    def _stage_csv(
        self, files: Sequence[LoadFile], load_id: int, prefix: str, drift: Drift
    ) -> Staged:
        cleaner = Cleaner(self.landing, self.config.redshift_too_long, dict(drift.widths))
        marker = NULL_MARKER
        while True:
            stager = Stager(
                client=self.client,
                bucket=self.s3.bucket,
                prefix=prefix,
                cleaner=cleaner,
                slices=self.config.redshift_slices,
                compression=self.config.redshift_compression,
                marker=marker,
                meter=self.meter,
                numbered=self.method == "upsert",
            )
            try:
                return stager.stage(files, load_id)
            except MarkerCollisionError:
                marker = other_marker()
