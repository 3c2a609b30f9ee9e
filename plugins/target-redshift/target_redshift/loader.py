"""Loads files into one landing table: stage, then one transaction, exactly once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from tidemark_core.errors import TidemarkError, WarehouseError
from tidemark_core.runs.progress import Meter
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.lease import Lease

from target_redshift import events
from target_redshift.model.landing_table import LandingTable
from target_redshift.model.schema_drift import Drift
from target_redshift.staging.area import remove_staging
from target_redshift.staging.csv_encoder import NULL_MARKER, MarkerCollisionError, other_marker
from target_redshift.staging.csv_stager import Staged, Stager
from target_redshift.staging.load_file import LoadFile
from target_redshift.staging.parquet_stager import stage_parquet
from target_redshift.staging.value_fitter import Cleaner, as_report
from target_redshift.warehouse.copy_rejects import find_rejects, rejected
from target_redshift.warehouse.landing import Found, apply_in_transaction, apply_outside, look
from target_redshift.warehouse.ledger import Ledger
from target_redshift.warehouse.load_methods import CopyError, Load, run_method
from target_redshift.warehouse.session import Session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_log = logging.getLogger(__name__)


@dataclass
class TableLoader:
    """Loads one table.

    Attributes:
        config: Resolved settings.
        s3: The lake's bucket.
        client: S3 client.
        lease: Our right to write the table.
        landing: The table as the stream's schema describes it.
        session: The warehouse.
        meter: Told of rows as they are staged.
        method: Load method of this table.
        is_copied: Whether its files are full copies, of which the newest counts.
        newest: Columns (in the warehouse) by which an upsert finds a key's newest row.
    """

    config: Mapping[str, Any]
    s3: S3Location
    client: S3Client
    lease: Lease
    landing: LandingTable
    session: Session
    meter: Meter
    method: str
    is_copied: bool = False
    newest: Sequence[str] = ()

    def load(self, files: Sequence[LoadFile]) -> int:
        """Loads what is not in the warehouse yet.

        Args:
            files: Parquet files, the oldest first.

        Returns:
            Rows loaded.

        Raises:
            TidemarkError: Nothing of it was loaded, or (a lost answer to COMMIT, which a rerun
                clears up by asking the ledger) all of it.
        """
        stages, table = _Stages(self), self.landing.table
        with events.table(table), events.step(table, "load"):
            try:
                return self.session.retried(lambda: self._attempt(files, stages), table=table)
            finally:
                self.meter.end()
                stages.remove()

    def _attempt(self, files: Sequence[LoadFile], stages: _Stages) -> int:
        table = self.landing.table
        self.lease.check()
        connection = self.session.connection
        started = monotonic()
        found = look(connection, self.landing, self.config)
        ledger = Ledger(connection, table, self.landing.name)
        missing = ledger.missing(files)
        if not missing and (files or self.is_copied or self.method != "overwrite"):
            _log.info("nothing to load", extra={"table": str(table), "known": len(files)})
            return 0
        older: list[LoadFile] = []
        if self.method == "overwrite":
            newest, older = newest_copy(files)
            if self.is_copied and ledger.has_newer_copy(newest, missing):
                self._pass_over(missing)
                return 0
            missing = newest
        apply_outside(connection, self.landing, found, self.config)
        with events.step(table, "stage"):
            load_id, staged = stages.of(missing, found.drift, ledger)
        try:
            with events.step(table, "transaction"), self.session.transaction():
                self._transact(found, missing, older, load_id, staged)
        except CopyError as error:
            raise self._explained(error, staged) from error
        conversions = sum((file.conversions for file in missing), staged.conversions)
        if conversions:
            _log.warning(
                "values changed on the way",
                extra={"table": str(table), "conversions": as_report(conversions)},
            )
        events.loaded(
            table,
            rows=staged.rows,
            size=staged.size,
            files=len(missing),
            conversions=as_report(conversions),
        )
        _log.info(
            "loaded",
            extra={
                "table": str(table),
                "rows": staged.rows,
                "files": len(missing),
                "parts": staged.parts,
                "bytes": staged.size,
                "load_id": load_id,
                "seconds": round(monotonic() - started, 3),
            },
        )
        return staged.rows

    def _pass_over(self, files: Sequence[LoadFile]) -> None:
        """Writes copies that came behind a newer one into the ledger.

        With no row, and as dealt with by the table's last load: a load of their own would be taken
        for an empty copy.
        """
        table, connection = self.landing.table, self.session.connection
        ledger = Ledger(connection, table, self.landing.name)
        with self.session.transaction():
            self.lease.check()
            load_id = ledger.last_load_id(self.lease.fence)
            ledger.add(_without_rows(files), load_id=load_id, fence=self.lease.fence)
            self.lease.renew()
        _log.warning(
            "copies older than the one that is loaded are passed over",
            extra={"table": str(table), "files": len(files)},
        )

    def _explained(self, error: CopyError, staged: Staged) -> TidemarkError:
        """Asks the warehouse which rows COPY refused; they outlive the roll-back."""
        columns = [*self.landing.names]
        keys = [column.name for column in self.landing.keys]
        files = f"s3://{self.s3.bucket}/{staged.prefix}"
        found = find_rejects(self.session.connection, files, columns, keys)
        return rejected(self.landing.table, found, error)

    def _transact(
        self,
        found: Found,
        missing: Sequence[LoadFile],
        older: Sequence[LoadFile],
        load_id: int,
        staged: Staged,
    ) -> None:
        table, connection = self.landing.table, self.session.connection
        self.lease.check()
        ledger = Ledger(connection, table, self.landing.name)
        apply_in_transaction(connection, self.landing, found, self.config)
        overwrite = self.method == "overwrite"
        if not overwrite and len(ledger.missing(missing)) != len(missing):
            raise WarehouseError(
                "some of the files were loaded by somebody else in the meantime",
                table=table,
                retryable=True,
                hint="run again",
            )
        ledger.check_fence(self.lease.fence, load_id)
        run_method(
            connection,
            Load(
                landing=self.landing,
                staged=staged,
                files=missing,
                load_id=load_id,
                method=self.method,
                config=self.config,
                newest=self.newest,
                s3=self.s3,
                phase=self.meter.phase,
            ),
        )
        # Older copies are dealt with, and no row of theirs is there.
        entries = [*missing, *_without_rows(older)]
        if overwrite:
            ledger.forget(entries)
        ledger.add(entries, load_id=load_id, fence=self.lease.fence)
        self.lease.renew()


def newest_copy(files: Sequence[LoadFile]) -> tuple[list[LoadFile], list[LoadFile]]:
    """Parts files of the lake into those of the newest extraction and older ones.

    What a load that was missed has left waiting is an older copy of the whole table: with it, rows
    would be there twice, and rows that are gone would come back. Other files have no such order.
    """
    newest = max((file.extracted_at for file in files if file.manifest), default=None)
    older = [file for file in files if file.manifest and file.extracted_at != newest]
    return [file for file in files if file not in older], older


def _without_rows(files: Iterable[LoadFile]) -> list[LoadFile]:
    """Copies as the ledger has them when no row of theirs is in landing."""
    return [replace(file, rows=0) for file in files]


class _Stages:
    """The staged parts of one load; a further attempt uses them again."""

    def __init__(self, loader: TableLoader) -> None:
        self._loader = loader
        self._known: tuple[tuple[str, ...], dict[str, int], int, Staged] | None = None
        self._prefixes: list[str] = []

    def of(self, files: Sequence[LoadFile], drift: Drift, ledger: Ledger) -> tuple[int, Staged]:
        """Stages files, unless the attempt before did; gives load id and parts."""
        names = tuple(file.name for file in files)
        if self._known and self._known[:2] == (names, drift.widths):
            return self._known[2], self._known[3]
        load_id = ledger.next_load_id()
        prefix = self._loader.s3.layout.staging_prefix(self._loader.landing.table, load_id)
        self._prefixes.append(prefix)
        staged = self._stage(files, load_id, prefix, drift)
        self._known = (names, drift.widths, load_id, staged)
        return load_id, staged

    def _stage(self, files: Sequence[LoadFile], load_id: int, prefix: str, drift: Drift) -> Staged:
        loader, config = self._loader, self._loader.config
        if config["load_format"] == "parquet":
            loader.meter.begin(sum(file.rows for file in files), (None, None))
            found = stage_parquet(loader.client, loader.s3.bucket, prefix, loader.landing, files)
            # COPY reads the lake's own files: they have come.
            loader.meter.add(rows=found.rows, bytes=found.size)
            return found
        cleaner = Cleaner(loader.landing, config["redshift_too_long"], dict(drift.widths))
        marker = NULL_MARKER
        while True:
            stager = Stager(
                client=loader.client,
                bucket=loader.s3.bucket,
                prefix=prefix,
                cleaner=cleaner,
                slices=config["redshift_slices"],
                compression=config["redshift_compression"],
                marker=marker,
                meter=loader.meter,
                numbered=loader.method == "upsert",
            )
            try:
                return stager.stage(files, load_id)
            except MarkerCollisionError:
                marker = other_marker()

    def remove(self) -> None:
        """Removes what was staged; a failure here must not hide the load's own outcome."""
        for prefix in self._prefixes:
            try:
                remove_staging(self._loader.client, self._loader.s3.bucket, prefix)
            except TidemarkError as error:
                _log.warning(
                    "staged parts stay behind; the next load removes them: %s",
                    error.message,
                    extra={"prefix": prefix},
                )
