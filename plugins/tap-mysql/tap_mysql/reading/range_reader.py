"""Reads a range of rows into files, resuming after errors.

What is finished stays finished: after a lost connection the read continues after the last row of
the last finished file.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tidemark_core.errors import SourceError, TidemarkError, TunnelError
from tidemark_core.host.temporary_folder import writing
from tidemark_core.retry import pause
from tidemark_core.runs.progress import Meter
from tidemark_core.runs.report import current
from tidemark_core.types.conversions import Conversions

from tap_mysql.incremental.failover import changed
from tap_mysql.query.sql import Range, select
from tap_mysql.reading.conversion import Converter
from tap_mysql.reading.parquet_file import FileWriter, FinishedFile
from tap_mysql.reading.spool_folder import TempFolder
from tap_mysql.source.arrow_query import Fetch, FetchError, Rows, Shape, Stopped
from tap_mysql.source.error_codes import Cure, source_error
from tap_mysql.source.session.connection import Source
from tap_mysql.values.key_values import normalise

logger = logging.getLogger("tap-mysql.read")
#: Rows and bytes of a batch, whichever comes first. Some five are in memory at a time: one is being
#: read, two wait, one is being written, and its row group fills.
_BATCH_ROWS, _BATCH_BYTES = 8_192, 8 * 2**20
#: Approximate rows of a query where there is an order. While a query is open, an ALTER waits, and
#: later queries wait behind the ALTER; the server keeps old row versions; and without a LIMIT it
#: may sort a window that an index has in order.
_QUERY_ROWS = 1_000_000
#: Divisors of a file's rows after killed queries: all of them, then a tenth; then the read fails.
_SMALLER = (1, 10)


@dataclass(frozen=True)
class Reading:
    """How a table's ranges are read.

    Attributes:
        source: The server.
        converter: Types of the columns.
        folder: Where files go.
        replication_key: Column whose least and greatest value is recorded per file; None: none.
        batch_size: Maximum rows per file.
        attempts: Maximum attempts without progress.
        parallel: Ranges that are read at the same time; together they have one range's memory.
        stop: Set when the run is to be stopped.
        meter: Told of rows as they arrive.
    """

    source: Source
    converter: Converter
    folder: TempFolder
    replication_key: str | None
    batch_size: int
    attempts: int
    parallel: int
    stop: threading.Event
    meter: Meter

    @property
    def shape(self) -> Shape:
        """How answers are cut: files end where batches do."""
        size = _BATCH_BYTES // self.parallel
        return Shape(self.converter.answer, _BATCH_ROWS, size, self.batch_size)

    def no_rows(self) -> FinishedFile:
        """A file without rows, which tells what columns the table has."""
        self.await_room()
        return FinishedFile(FileWriter(self.folder.new_file(), self.converter.schema).finish(), 0)

    def await_room(self) -> None:
        """Waits while the target is behind.

        Raises:
            SourceError: It has taken nothing for too long.
        """
        self.folder.await_room(self.stop)

    def new_file(self) -> Building:
        """Begins a file."""
        writer = FileWriter(self.folder.new_file(), self.converter.schema)
        return Building(writer, self.converter)

    def rows_of(self, selected: Range) -> list[Rows]:
        """Reads rows that are few enough for memory.

        Raises:
            SourceError: The server refused, or was unreachable for too long.
            TunnelError: The bastion was unreachable for too long.
            TableChangedError: The table's definition changed, or another server answers.
            Stopped: The run is being stopped.
        """
        query = select(self.converter.plans, selected)
        for failures in range(1, self.attempts + 1):
            try:
                found = list(Fetch(self.source, query, self.shape, self.stop))
            except (FetchError, TidemarkError) as error:
                self._recover(error, Mode(), failures, ordered=False)
            else:
                self.meter.add(rows=sum(rows.batch.num_rows for rows in found))
                return found
        raise ValueError(f"{self.attempts} attempts")

    def files(self, selected: Range) -> Iterator[FinishedFile]:
        """Reads a range into files, each given as soon as it is finished.

        A range without an order cannot be resumed, so its files are yielded at its end.

        Raises:
            SourceError: The server refused, or was unreachable too long, or a value cannot be kept.
            TunnelError: The bastion was unreachable for too long.
            TableChangedError: The table's definition changed, or another server answers.
            Stopped: The run is being stopped; the unfinished file is gone.
        """
        mode, failures, held = Mode(), 0, list[FinishedFile]()
        left = selected
        while True:
            rows, mode.waits = 0, False
            try:
                for file in self._once(left, mode):
                    rows += file.rows
                    failures = 0
                    if not left.order:
                        held.append(file)
                        continue
                    if file.last is not None:
                        left = left.past(file.last)
                    yield file
                limit = self._limit(left, mode)
                if not mode.waits and (limit is None or rows < limit):
                    yield from held
                    return
                self.await_room()
            except (FetchError, TidemarkError) as error:
                for file in held:
                    file.path.unlink(missing_ok=True)
                held.clear()
                failures += 1
                self._recover(error, mode, failures, bool(left.order))

    def _once(self, selected: Range, mode: Mode) -> Iterator[FinishedFile]:
        folder, setting = self.folder.path, "BACKUP_TEMP_DIR"
        with writing(folder, table=selected.table, setting=setting, kind=SourceError):
            yield from self._write(selected, mode)

    def _write(self, selected: Range, mode: Mode) -> Iterator[FinishedFile]:
        building: Building | None = None
        try:
            for rows in self._rows(selected, mode):
                if building is None:
                    if self._ends_for_room(selected, mode):  # full of another range's files
                        return
                    if not selected.order:
                        self.await_room()
                    # Else it does not wait, even if the room is gone by now: its query is open.
                    building = self.new_file()
                piece = self.converter.convert(rows, building.conversions)
                building.add(piece, self.replication_key, selected.order)
                if building.writer.rows >= self.batch_size:
                    finished, building = building, None
                    yield finished.finish()
                    if self._ends_for_room(selected, mode):
                        return
            if building is not None:
                finished, building = building, None
                yield finished.finish()
        finally:
            if building is not None:
                building.writer.drop()

    def _ends_for_room(self, selected: Range, mode: Mode) -> bool:
        """Whether the query ends because the target is behind; its range is resumed later."""
        mode.waits = bool(selected.order) and self.folder.is_full
        return mode.waits

    def _limit(self, selected: Range, mode: Mode) -> int | None:
        """Row limit of the next query, whole files unless one was killed twice; None: no limit."""
        if not selected.order:
            return None
        several = max(1, _QUERY_ROWS // self.batch_size) * self.batch_size
        return mode.limit(self.batch_size) or several

    def _rows(self, selected: Range, mode: Mode) -> Iterator[Rows]:
        """Asks for rows of a range, and gives them as they come."""
        query = select(self.converter.plans, selected, limit=self._limit(selected, mode))
        for rows in Fetch(self.source, query, self.shape, self.stop):
            self.meter.add(rows=rows.batch.num_rows)
            yield rows

    def _recover(
        self, error: FetchError | TidemarkError, mode: Mode, failures: int, ordered: bool
    ) -> None:
        """Prepares the next attempt, or raises the error that ends the read."""
        table = self.converter.table
        if isinstance(error, TidemarkError):
            if not error.retryable or failures >= self.attempts:
                raise error
            reason = error.message
        else:
            final = source_error(error.number, error.text, table, logged_in=True)
            reason = final.message
            if error.cure is Cure.REDISCOVER:
                raise changed(error.number, error.text, self.source) from error
            if error.cure is Cure.SMALLER and ordered and mode.shrink():
                current().tried_again(table)
                logger.warning("the query was terminated, asking for less: %s", reason)
                return
            if error.cure is not Cure.RETRY or failures >= self.attempts:
                raise final from error
        current().tried_again(table)
        seconds = pause(failures)
        logger.warning(
            "the read of %s was interrupted, resuming in %.1f s: %s", table, seconds, reason,
            extra={"table": str(table), "attempt": failures},
        )  # fmt: skip
        if self.stop.wait(seconds):
            raise Stopped
        try:
            self.source.endpoint.ensure()
        except TunnelError:
            logger.warning("the tunnel is still down", extra={"table": str(table)})


@dataclass
class Mode:
    """How the next query asks.

    Attributes:
        smaller: How often a query was killed.
        waits: Whether the last one was ended because the target is behind.
    """

    smaller: int = 0
    waits: bool = False

    def limit(self, batch_size: int) -> int | None:
        if self.smaller == 0:
            return None
        return max(1, batch_size // _SMALLER[self.smaller - 1])

    def shrink(self) -> bool:
        """Asks for less; False when there is no less."""
        if self.smaller == len(_SMALLER):
            return False
        self.smaller += 1
        return True


@dataclass
class Building:
    """A file that is being written, and what is known of it so far.

    Attributes:
        writer: Writes it.
        converter: Types of its columns.
        last: Values of the order columns in its last row.
        least: Least replication key in it.
        greatest: Greatest replication key in it.
        conversions: Values that were changed.
    """

    writer: FileWriter
    converter: Converter
    last: tuple[Any, ...] | None = None
    least: Any = None
    greatest: Any = None
    conversions: Conversions = field(default_factory=Conversions)

    def add(self, batch: pa.RecordBatch, key: str | None, order: tuple[str, ...]) -> None:
        self.writer.write(batch)
        if order:
            self.last = self.converter.key_at(batch, order, batch.num_rows - 1)
        if key is not None:
            found: dict[str, Any] = pc.min_max(batch.column(key)).as_py()  # type: ignore[assignment]
            if found["min"] is not None:
                least, greatest = normalise(found["min"]), normalise(found["max"])
                self.least = least if self.least is None else min(self.least, least)
                self.greatest = greatest if self.greatest is None else max(self.greatest, greatest)

    def finish(self) -> FinishedFile:
        return FinishedFile(
            path=self.writer.finish(),
            rows=self.writer.rows,
            last=self.last,
            least=self.least,
            greatest=self.greatest,
            conversions=self.conversions,
        )
