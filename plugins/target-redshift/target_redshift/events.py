"""The loader's events for dashboards, and its part of the run report."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from tidemark_core.logs import Event, log_event
from tidemark_core.names import TableName
from tidemark_core.report_store import reporting
from tidemark_core.runs.report import LegReport, current, current_user
from tidemark_core.s3.client import S3Location

logger = logging.getLogger("target-redshift")


@contextmanager
def loading(location: S3Location) -> Iterator[None]:
    """Keeps the leg's report, and logs its end, whatever the outcome."""
    log_event(logger, Event.CLI_INITIALIZED)
    with reporting("warehouse", location) as report:
        try:
            yield
        except BaseException:
            _ended(report, success=False)
            raise
        _ended(report, success=True)


@contextmanager
def table(name: TableName) -> Iterator[None]:
    """A table is being loaded; records why it failed."""
    report = current().table(name)
    log_event(logger, Event.TABLE_STARTED, table=str(name))
    try:
        yield
    except Exception as error:
        report.error = str(error)
        raise


def step(name: TableName, what: str) -> AbstractContextManager[None]:
    """Adds the time that the block takes to a step of the table's report.

    ``load`` is a table's whole load by the clock: above all ``stage`` (files to staged parts) and
    ``transaction`` (its statements, of which ``copy`` and ``insert`` move the rows). ``fetch``,
    ``read``, ``csv``, ``compress`` and ``upload`` are what ``stage`` does in several threads at
    once; each is the sum of its threads.
    """
    return current().table(name).step(what)


def loaded(
    table: TableName, *, rows: int, size: int, files: int,
    conversions: Mapping[str, Mapping[str, int]],
) -> None:  # fmt: skip
    """A load of a table has been committed."""
    report = current().table(table)
    report.add(rows=rows, bytes=size, files=files)
    report.convert(conversions)


def _ended(report: LegReport, *, success: bool) -> None:
    tables = report.tables
    log_event(
        logger,
        Event.LOAD_COMPLETED,
        level=logging.INFO if success else logging.ERROR,
        success=success,
        duration_seconds=round(report.seconds, 3),
        successful_tables=[table.table for table in tables if table.error is None],
        failed_tables=[table.table for table in tables if table.error is not None],
        records_processed=sum(table.rows for table in tables),
        user=current_user(),
    )
