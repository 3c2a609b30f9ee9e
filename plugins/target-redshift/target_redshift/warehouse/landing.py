"""Looks at a landing table and changes it to what the source has now."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from tidemark_core.errors import WarehouseError
from tidemark_core.names import LEDGER_TABLE
from tidemark_core.redshift import ledger as ledger_sql
from tidemark_core.redshift.connection import WarehouseConnection
from tidemark_core.redshift.errors import QueryError
from tidemark_core.types.column_type import MAX_VARCHAR_BYTES
from tidemark_core.types.super_columns import MAX_LARGE_STRING_BYTES, no_super_key

from target_redshift.model.landing_table import LandingTable
from target_redshift.model.schema_drift import (
    Drift,
    check_comment,
    compare,
    describe,
    not_ours,
    rebuild_hint,
)
from target_redshift.settings import LoadSettings
from target_redshift.warehouse.ledger import Ledger
from target_redshift.warehouse.session import timeout_statement
from target_redshift.warehouse.sql import tables

logger = logging.getLogger("target_redshift.landing")
#: SQLSTATE of a statement that a timeout ended.
_TIMED_OUT = "57014"
_YES = frozenset({"true", "t", "yes", "on", "1"})


@dataclass(frozen=True)
class Found:
    """The findings of a look at the landing table.

    Attributes:
        exists: Whether there is a table.
        has_comment: Whether it carries our comment.
        drift: What must change; its widths also tell how long strings in SUPER may be.
    """

    exists: bool
    has_comment: bool
    drift: Drift


@contextmanager
def lock_timeout(connection: WarehouseConnection, config: LoadSettings) -> Iterator[None]:
    """For statements that wait for other transactions' locks, and are short themselves."""
    seconds = config.redshift_lock_timeout_seconds
    connection.execute(timeout_statement(seconds))
    try:
        yield
    except QueryError as error:
        if error.sqlstate == _TIMED_OUT:
            error.hint = (
                f"another transaction has held it for the {seconds} s of "
                "REDSHIFT_LOCK_TIMEOUT_SECONDS: SELECT * FROM svv_transactions shows which one; "
                "run again when it has ended"
            )
        # A transaction that failed is rolled back, and the setting with it.
        with suppress(QueryError):
            connection.execute(timeout_statement(config.redshift_statement_timeout_seconds))
        raise
    connection.execute(timeout_statement(config.redshift_statement_timeout_seconds))


def prepare_schema(connection: WarehouseConnection, config: LoadSettings) -> None:
    """Makes the landing schema and the ledger, where they are missing.

    Raises:
        QueryError: They are missing and the user may not make them: no table can be loaded.
    """
    try:
        with lock_timeout(connection, config):
            _prepare_schema(connection)
    except QueryError as error:
        error.stops_all = True
        raise


def _prepare_schema(connection: WarehouseConnection) -> None:
    if not connection.execute(tables.SCHEMA_EXISTS, what="the query for the landing schema"):
        connection.execute(tables.CREATE_SCHEMA, what="CREATE SCHEMA landing")
    if not _has_ledger(connection):
        try:
            connection.execute(
                ledger_sql.create_ledger(), what=f"CREATE TABLE landing.{LEDGER_TABLE}"
            )
        except QueryError:
            # IF NOT EXISTS does not help if two first loads of a warehouse make it at once.
            if not _has_ledger(connection):
                raise


def _has_ledger(connection: WarehouseConnection) -> bool:
    look = connection.execute(tables.TABLE_COLUMNS, [LEDGER_TABLE], what="the query for the ledger")
    return bool(look)


def look(connection: WarehouseConnection, landing: LandingTable, config: LoadSettings) -> Found:
    """Compares the landing table with the stream.

    Raises:
        WarehouseError: They differ in a way that only a rebuild can mend.
    """
    table, name = landing.table, landing.name
    prepare_schema(connection, config)
    if other := Ledger(connection, table, name).other_copy():
        raise not_ours(landing, *other)
    existing = connection.execute(
        tables.TABLE_COLUMNS, [name], what="the query for the landing table", table=table
    )
    widths = _super_widths(connection, landing)
    if not existing:
        return Found(False, False, Drift((), (), (), widths))
    rows = connection.execute(tables.TABLE_COMMENT, [name], what="the query for its comment")
    comment = rows[0][0] if rows else None
    check_comment(landing, comment)
    drift = compare(landing, [(column, kind) for column, kind in existing])
    if drift.dropped:
        logger.warning(
            "the source no longer has some columns of the landing table; they will be NULL from "
            "now on" + (", and there are new ones: was a column renamed?" if drift.add else ""),
            extra={
                "table": str(table),
                "dropped": list(drift.dropped),
                "added": [column for column, _ in drift.add],
            },
        )
    if drift.add:
        logger.warning(
            "there are new columns: rows loaded before have NULL in them, regardless of the "
            "source; backfill them: docs/runbooks/backfill.md",
            extra={
                "table": str(table),
                "added": [column for column, _ in drift.add],
                "next": f"tidemark rebuild -t {table}",
            },
        )
    drift = replace(drift, widths=drift.widths | widths)
    return Found(True, comment == describe(landing), drift)


def _super_widths(connection: WarehouseConnection, landing: LandingTable) -> dict[str, int]:
    """Bytes of a string in SUPER, by column: the warehouse's parameters decide."""
    if not landing.has_super:
        return {}
    size = MAX_LARGE_STRING_BYTES if _has_large_strings(connection) else MAX_VARCHAR_BYTES
    return {column.name: size for column in landing.columns if column.is_super}


def _has_large_strings(connection: WarehouseConnection) -> bool:
    try:
        ((found,),) = connection.execute(tables.HAS_LARGE_STRINGS, what="the query for its limits")
    except QueryError as error:
        # A Redshift from before November 2026 has no such function.
        if error.lost or error.retryable:
            raise
        return False
    return found is True or str(found).lower() in _YES


def apply_outside(
    connection: WarehouseConnection,
    landing: LandingTable,
    found: Found,
    config: LoadSettings,
) -> None:
    """Widens VARCHAR columns, which Redshift does not do inside a transaction.

    Harmless if the load fails afterwards: a wider column holds what it held before.
    """
    for column, kind in found.drift.widen:
        try:
            with lock_timeout(connection, config):
                connection.execute(
                    tables.widen_column(landing.name, column, kind),
                    what=f"the change of its type to {kind}",
                    table=landing.table,
                )
        except QueryError as error:
            if error.retryable or error.lost or error.sqlstate == _TIMED_OUT:
                raise
            # Sort keys and some encodings (BYTEDICT, RUNLENGTH, TEXT255, TEXT32K) forbid it:
            # https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html
            raise WarehouseError(
                error.message,
                table=landing.table,
                column=column,
                hint=rebuild_hint(landing.table),
            ) from error
        logger.info(
            "column widened",
            extra={"table": str(landing.table), "column": column, "type": kind},
        )


def apply_in_transaction(
    connection: WarehouseConnection,
    landing: LandingTable,
    found: Found,
    config: LoadSettings,
) -> None:
    """Locks the landing table, or makes it, and adds its new columns.

    The lock comes first in the transaction, so that its snapshot shows what the previous
    holder has committed, and no serialisable violation (error 1023) can follow:
    https://docs.aws.amazon.com/redshift/latest/dg/r_LOCK.html
    """
    table, name = landing.table, landing.name
    if found.exists:
        with lock_timeout(connection, config):
            connection.execute(
                tables.lock_table(name), what="LOCK of the landing table", table=table
            )
        for column, kind in found.drift.add:
            connection.execute(
                tables.add_column(name, column, kind), what=f"ADD COLUMN {column}", table=table
            )
            logger.info("column added", extra={"table": str(table), "column": column, "type": kind})
    else:
        options = table_options(landing, config)
        with lock_timeout(connection, config):
            connection.execute(
                tables.create_table(name, landing.definitions, options),
                what="CREATE TABLE of the landing table",
                table=table,
            )
    if not found.has_comment:
        connection.execute(
            tables.comment_table(name, describe(landing)), what="its comment", table=table
        )


def table_options(landing: LandingTable, config: LoadSettings) -> tables.TableOptions:
    """The physical design that the settings ask for.

    Raises:
        ConfigError: It names what does not exist, or a SUPER column as a key.
    """
    chosen = config.redshift_table_options
    options = tables.TableOptions.parse(
        [chosen.get("*", {}), chosen.get(str(landing.table), {})], landing.names
    )
    for column in landing.columns:
        if column.is_super and column.name in (options.distkey, *options.sortkey):
            raise no_super_key(landing.table, column.source, "a distribution or sort key")
    return options
