"""The tap's events for dashboards, and its part of the run report."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tidemark_core.logs import Event, log_event
from tidemark_core.names import TableName
from tidemark_core.runs.report import current, current_user

from tap_mysql.values.key_values import to_state

if TYPE_CHECKING:
    from tap_mysql.extraction.run import Outcome
    from tap_mysql.source.session.connection import Session
    from tap_mysql.values.key_values import KeyValue

logger = logging.getLogger("tap-mysql")
_MEGABYTE = 1_000_000


def connected(session: Session, database: str) -> None:
    """A first session with the source is open."""
    log_event(logger, Event.CONNECTION_ESTABLISHED, server=session.server)
    log_event(logger, Event.DATABASE_CONNECTED, database=database)


def table_started(table: TableName) -> None:
    log_event(logger, Event.TABLE_STARTED, table=str(table))


def table_validated(table: TableName) -> None:
    """Its columns and keys fit what was chosen for it."""
    log_event(logger, Event.TABLE_VALIDATED, table=str(table))


def window(
    table: TableName, lower: KeyValue | None, upper: KeyValue | None
) -> tuple[str | None, str | None]:
    """The range of the replication key that is read, also as text; None: open at that end."""
    start, end = _text(lower), _text(upper)
    report = current().table(table)
    report.window_start, report.window_end = start, end
    # Meltano leaves out of its own log what is None.
    log_event(logger, Event.WINDOW, table=str(table), start_time=start or "", end_time=end or "")
    return start, end


def table_ended(outcome: Outcome, before: object, after: object) -> None:
    """A table is done, or has failed.

    Args:
        outcome: What became of it.
        before: Its bookmark when it was begun.
        after: Its bookmark now.
    """
    report = current().table(outcome.table)
    report.add(rows=outcome.rows)
    report.steps["read"] = outcome.seconds
    report.error = None if outcome.error is None else str(outcome.error)
    value = _value(after)
    if value is not None and value != _value(before):
        report.watermark = str(value)
        log_event(
            logger, Event.WATERMARK_UPDATED, table=str(outcome.table), new_watermark=str(value)
        )


def run_ended(strategy: str, outcomes: Sequence[Outcome]) -> None:
    """The run over all tables has ended."""
    leg = current()
    for outcome in outcomes:
        if outcome.error is not None:
            leg.table(outcome.table).error = str(outcome.error)
    tables = leg.tables
    failed = [str(outcome.table) for outcome in outcomes if outcome.error is not None]
    log_event(
        logger,
        Event.BACKUP_COMPLETED,
        level=logging.ERROR if failed else logging.INFO,
        strategy=strategy,
        success=not failed,
        duration_seconds=round(leg.seconds, 3),
        successful_tables=[str(o.table) for o in outcomes if o.error is None],
        failed_tables=failed,
        records_processed=sum(outcome.rows for outcome in outcomes),
        data_size_mb=round(sum(table.bytes for table in tables) / _MEGABYTE, 3),
        watermark_updated=any(table.watermark for table in tables),
        user=current_user(),
    )


def _text(value: KeyValue | None) -> str | None:
    return None if value is None else str(to_state(value))


def _value(bookmark: object) -> object:
    if not isinstance(bookmark, Mapping):
        return None
    own = bookmark.get("tidemark")
    position = own.get("position") if isinstance(own, Mapping) else None
    if isinstance(position, Mapping):
        return f"{position.get('file')}:{position.get('offset')}"
    return bookmark.get("replication_key_value")
