"""Warnings about tables that can be read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_mysql.query import sql
from tap_mysql.query.sql import Range

if TYPE_CHECKING:
    from datetime import datetime

    from tidemark_core.names import TableName

    from tap_mysql.incremental.window import Window
    from tap_mysql.source.schema import Column, Table
    from tap_mysql.source.session.connection import Session
    from tap_mysql.values.key_values import KeyValue

logger = logging.getLogger("tap-mysql.advice")


def warn_unindexed(session: Session, table: Table, key: Column, lower: KeyValue | None) -> None:
    """Warns, with the server's plan, of a replication key that no index begins with.

    Each window then reads the whole table. A view's indexes are those of its tables, so nothing is
    said of it.
    """
    if table.is_view or key.name in table.indexed:
        return
    window = Range(table.name, sql.window(key, lower, None))
    steps = session.plan(sql.count(window))
    words = [str(value) for step in steps for value in step.values() if value is not None]
    plan = " ".join(" ".join(words).split())
    logger.warning(
        "%s: no index begins with the replication key %s, so each run reads the whole table; "
        "add one: ALTER TABLE … ADD INDEX (%s). The server's plan: %s",
        table.name, key.name, key.name, plan, extra={"table": str(table.name)},
    )  # fmt: skip


def warn_future(table: TableName, key: str, window: Window) -> None:
    """Warns of rows beyond the source's own clock."""
    if window.has_future:
        logger.warning(
            "%s: some rows have a %s in the future; they are read, but the bookmark stays at the "
            "source's clock", table, key, extra={"table": str(table)},
        )  # fmt: skip


def warn_clock(table: TableName, bookmark: KeyValue | None, now: datetime) -> None:
    """Warns of a source whose clock has gone back behind the bookmark."""
    logger.warning(
        "%s: the bookmark %s is later than the source's clock, %s: the clock was set back; the "
        "rows of the hour before the bookmark are read again",
        table, bookmark, now, extra={"table": str(table)},
    )  # fmt: skip


def warn_renumbered(table: TableName, key: str, bookmark: KeyValue, number: int) -> None:
    """Warns of a table whose rows get numbers that others had before."""
    logger.warning(
        "%s: the bookmark is %s = %s, but the server's next number is %s: the table was emptied by "
        "TRUNCATE, or restored from a backup. It is read again from the beginning; tidemark "
        "reconcile -t %s removes the rows that are gone",
        table, key, bookmark, number, table, extra={"table": str(table)},
    )  # fmt: skip


def warn_behind(table: TableName, key: str, window: Window, bookmark: KeyValue | None) -> None:
    """Warns of a source that no longer has rows as new as the bookmark."""
    if window.is_behind(bookmark):
        logger.warning(
            "%s: the greatest %s is now below the bookmark; rows were deleted, or keys went "
            "backwards", table, key, extra={"table": str(table)},
        )  # fmt: skip
