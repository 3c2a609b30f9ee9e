"""Spools records to a Parquet file on the local disk, so that memory stays bounded."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
from tidemark_core.text.documents import Json
from tidemark_core.types.conversions import Conversions

from target_redshift.model.landing_table import LandingTable
from target_redshift.singer.record_batch import shape_of, to_batch
from target_redshift.staging.load_file import LoadFile, local_file

_RECORDS_AT_ONCE = 10_000


class Spool:
    """Collects the records of one table.

    Args:
        landing: The table.
        folder: Where the file goes.
    """

    def __init__(self, landing: LandingTable, folder: Path) -> None:
        self._landing = landing
        self._path = folder / f"{uuid.uuid4()}.parquet"
        self._records: list[Json] = []
        self._writer: pq.ParquetWriter | None = None
        self._conversions: Conversions = Conversions()
        self.rows = 0

    def add(self, record: Json) -> None:
        """Takes a record.

        Raises:
            WarehouseError: A value is not of its column's type.
        """
        self._records.append(record)
        self.rows += 1
        if len(self._records) >= _RECORDS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        batch = to_batch(self._landing, self._records, self._conversions)
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._path, shape_of(self._landing).arrow, compression="zstd"
            )
        self._writer.write_batch(batch)
        self._records.clear()

    def finish(self, *, run_id: str, extracted_at: datetime) -> LoadFile:
        """Closes the file; there must have been a record.

        Raises:
            WarehouseError: A value is not of its column's type.
        """
        if self._records:
            self._flush()
        if self._writer is None:
            raise AssertionError("a spool without records is not loaded")
        self._writer.close()
        file = local_file(
            self._path,
            table=self._landing.table,
            run_id=run_id,
            extracted_at=extracted_at,
            # Never the same twice: what a tap sends as records cannot be recognised again.
            name=f"records:{run_id}:{self._path.stem}",
        )
        return replace(file, conversions=self._conversions)

    def discard(self) -> None:
        """Removes the file."""
        if self._writer is not None:
            self._writer.close()
        self._path.unlink(missing_ok=True)
