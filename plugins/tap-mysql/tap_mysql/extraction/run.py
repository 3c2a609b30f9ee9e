"""A run over several tables, sequentially or in parallel; failures are isolated."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tidemark_core.errors import SourceError, TidemarkError
from tidemark_core.names import TableName
from tidemark_core.process import show
from tidemark_core.runs.report import current
from tidemark_singer.failures import of_table

from tap_mysql.extraction import telemetry
from tap_mysql.extraction.parallel import together
from tap_mysql.extraction.table import Extraction
from tap_mysql.source.arrow_query import Stopped
from tap_mysql.source.error_codes import TableChangedError

logger = logging.getLogger("tap-mysql.run")
#: Times that a table is looked at again because an ALTER or a failover came in between.
_REDISCOVERIES = 3


class Job(Protocol):
    """One table of a run."""

    @property
    def table(self) -> TableName:
        """The table."""

    def prepare(self, *, again: bool) -> Extraction:
        """Makes the extraction; ``again``: after reading the table's definition again."""

    def bookmark(self) -> object:
        """The stream's entry in the state."""


@dataclass(frozen=True)
class Outcome:
    """What became of a table."""

    table: TableName
    rows: int = 0
    seconds: float = 0.0
    error: TidemarkError | None = None


def run(jobs: Sequence[Job], workers: int, stop: threading.Event) -> list[Outcome]:
    """Extracts tables.

    Args:
        jobs: The tables.
        workers: How many at once.
        stop: Set when the run is to be stopped.

    Raises:
        Stopped: ``stop`` was set.
    """

    def one(job: Job) -> Iterator[Outcome]:
        if stop.is_set():
            raise Stopped
        yield _extract(job)

    return [outcome for _, outcome in together(jobs, workers, one) if outcome is not None]


def _extract(job: Job) -> Outcome:
    before = copy.deepcopy(job.bookmark())
    telemetry.table_started(job.table)
    outcome = _outcome(job)
    telemetry.table_ended(outcome, before, job.bookmark())
    return outcome


def _outcome(job: Job) -> Outcome:
    began = time.monotonic()
    extraction: Extraction | None = None

    def outcome(error: TidemarkError | None = None) -> Outcome:
        seconds = time.monotonic() - began
        rows = extraction.rows if extraction else 0
        return Outcome(job.table, rows, seconds, error)

    try:
        for attempt in range(_REDISCOVERIES + 1):
            extraction = job.prepare(again=attempt > 0)
            telemetry.table_validated(job.table)
            try:
                extraction.run(job.bookmark())
            except TableChangedError as error:
                if attempt == _REDISCOVERIES:
                    raise SourceError(
                        f"the table changed during {_REDISCOVERIES + 1} consecutive attempts: "
                        f"{error}",
                        table=job.table,
                        hint=error.hint,
                    ) from error
                current().tried_again(job.table)
                logger.warning("%s: starting over: %s", job.table, error)
            else:
                break
    except TidemarkError as error:
        tell(job.table, error)
        return outcome(error)
    except Exception as error:
        logger.debug("%s", job.table, exc_info=True)
        unexpected = of_table(error, job.table)
        tell(job.table, unexpected)
        return outcome(unexpected)
    done = outcome()
    details = {
        "table": str(job.table),
        "rows": done.rows,
        "seconds": round(done.seconds, 3),
        "rows_per_second": round(done.rows / done.seconds) if done.seconds else 0,
        "conversions": extraction.conversions if extraction else {},
    }
    logger.info("%s: %d rows in %.1f s", job.table, done.rows, done.seconds, extra=details)
    return done


def tell(table: TableName, error: TidemarkError) -> None:
    """Reports a table's failure, once."""
    error.table = error.table or str(table)
    show(error)


def failed(table: TableName, error: TidemarkError) -> Outcome:
    """The outcome of a table that could not even be started; reports it."""
    tell(table, error)
    return Outcome(table, error=error)


def raise_failures(outcomes: Sequence[Outcome]) -> None:
    """Ends a run in which tables failed, with an exit code that is not 0.

    Raises:
        TidemarkError: At least one table failed.
    """
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        return
    error = errors[0]
    if len(outcomes) > 1:
        tables = ", ".join(str(each.table) for each in errors)
        error = SourceError(
            f"{len(errors)} of {len(outcomes)} tables failed, for the reasons shown above: "
            f"{tables}",
            hint="follow the hint of each error; the other tables are done",
        )
        codes = {each.exit_code for each in errors}
        error.exit_code = codes.pop() if len(codes) == 1 else 1
    error.of_tables = tuple(errors)
    raise error
