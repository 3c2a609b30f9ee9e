"""Loads files into one landing table: stage, then one transaction, exactly once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

from tidemark_core.errors import TidemarkError, WarehouseError
from tidemark_core.runs.progress import Meter
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.lease import Lease
from tidemark_core.types.conversions import Conversions

from target_redshift import events
from target_redshift.model.landing_table import LandingTable
from target_redshift.settings import LoadSettings
from target_redshift.stages import Stages
from target_redshift.staging.csv_stager import Staged
from target_redshift.staging.load_file import LoadFile
from target_redshift.staging.parquet_stager import StagedParquet
from target_redshift.warehouse.copy_rejects import find_rejects, rejected
from target_redshift.warehouse.landing import Found, apply_in_transaction, apply_outside, look
from target_redshift.warehouse.ledger import Ledger
from target_redshift.warehouse.load_methods import CopyError, Load, run_method
from target_redshift.warehouse.session import Session
from target_redshift.warehouse.stage_tables import drop_stage_tables, make_stage_tables

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)


@dataclass
class TableLoader:
    """Loads one table.

    Attributes:
        config: The settings.
        s3: The lake's bucket.
        client: S3 client.
        lease: Our right to write the table.
        landing: The table as the stream's schema describes it.
        session: The warehouse.
        meter: Counts rows as they are staged.
        method: Load method of this table.
        is_copied: Whether its files are full copies, of which the newest counts.
        newest: Columns (in the warehouse) by which an upsert finds a key's newest row.
    """

    config: LoadSettings
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
        table = self.landing.table
        stages = Stages(self.config, self.s3, self.client, self.landing, self.meter, self.method)
        with events.table(table), events.step(table, "load"):
            try:
                rows = self.session.retried(lambda: self._attempt(files, stages), table=table)
            except TidemarkError as error:
                if not getattr(error, "lost", False):
                    self._drop_stage_tables()
                raise
            finally:
                self.meter.end()
                stages.remove()
            self._drop_stage_tables()
            return rows

    def _drop_stage_tables(self) -> None:
        drop_stage_tables(self.session, self.landing, self.config)

    def _attempt(self, files: Sequence[LoadFile], stages: Stages) -> int:
        table = self.landing.table
        self.lease.check()
        connection = self.session.connection
        started = monotonic()
        found = look(connection, self.landing, self.config)
        ledger = Ledger(connection, table, self.landing.name)
        missing = ledger.missing(files)
        if not missing and (files or self.is_copied or self.method != "overwrite"):
            logger.info("nothing to load", extra={"table": str(table), "known": len(files)})
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
            if isinstance(staged, StagedParquet):
                make_stage_tables(connection, self.landing, load_id, staged)
            with events.step(table, "transaction"), self.session.transaction():
                self._transact(found, missing, older, load_id, staged)
        except CopyError as error:
            if stages.go_by_csv(staged, error.message):
                return self._attempt(files, stages)
            raise self._explained(error, staged) from error
        conversions = Conversions()
        for counts in (staged.conversions, *(file.conversions for file in missing)):
            conversions.merge(counts)
        if conversions:
            logger.warning(
                "values changed in transit",
                extra={"table": str(table), "conversions": conversions},
            )
        events.loaded(
            table,
            rows=staged.rows,
            size=staged.size,
            files=len(missing),
            conversions=conversions,
        )
        logger.info(
            "loaded",
            extra={
                "table": str(table),
                "rows": staged.rows,
                "files": len(missing),
                "parts": staged.parts,
                "bytes": staged.size,
                "format": "parquet" if isinstance(staged, StagedParquet) else "csv",
                "load_id": load_id,
                "seconds": round(monotonic() - started, 3),
            },
        )
        return staged.rows

    def _pass_over(self, files: Sequence[LoadFile]) -> None:
        """Enters copies that came after a newer one in the ledger.

        Without rows, and under the table's last load: a load of their own would be taken for an
        empty copy.
        """
        table, connection = self.landing.table, self.session.connection
        ledger = Ledger(connection, table, self.landing.name)
        with self.session.transaction():
            self.lease.check()
            load_id = ledger.last_load_id(self.lease.fence)
            ledger.add(_without_rows(files), load_id=load_id, fence=self.lease.fence)
            self.lease.renew()
        logger.warning(
            "skipping full copies older than the loaded one",
            extra={"table": str(table), "files": len(files)},
        )

    def _explained(self, error: CopyError, staged: Staged) -> TidemarkError:
        """Asks the warehouse which rows COPY refused; its records outlive the roll-back."""
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
                "another process has loaded some of the files in the meantime",
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
        # Older copies are done with, and none of their rows is in the table.
        entries = [*missing, *_without_rows(older)]
        if overwrite:
            ledger.forget(entries)
        ledger.add(entries, load_id=load_id, fence=self.lease.fence)
        self.lease.renew()


def newest_copy(files: Sequence[LoadFile]) -> tuple[list[LoadFile], list[LoadFile]]:
    """Divides files of the lake into those of the newest extraction and older ones.

    Files that a missed load has left waiting are an older copy of the whole table: with them, rows
    would be there twice, and deleted rows would come back. Other files have no such order.
    """
    newest = max((file.extracted_at for file in files if file.manifest), default=None)
    older = [file for file in files if file.manifest and file.extracted_at != newest]
    return [file for file in files if file not in older], older


def _without_rows(files: Iterable[LoadFile]) -> list[LoadFile]:
    """Copies as the ledger has them when no row of theirs is in landing."""
    return [replace(file, rows=0) for file in files]
