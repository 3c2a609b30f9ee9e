"""Tables that a columnar COPY fills before its rows go to the landing table.

COPY from Parquet cannot add columns, so rows go through a table that has the files' columns. It
is made before the load's transaction and dropped after it: DDL and temporary tables in a
transaction keep it from running on concurrency scaling
(https://docs.aws.amazon.com/redshift/latest/dg/concurrency-scaling.html).
"""

from __future__ import annotations

import hashlib
import logging

from tidemark_core.errors import TidemarkError
from tidemark_core.redshift.connection import WarehouseConnection

from target_redshift.model.landing_table import LandingTable
from target_redshift.settings import LoadSettings
from target_redshift.staging.parquet_stager import StagedParquet
from target_redshift.warehouse.landing import lock_timeout
from target_redshift.warehouse.session import Session
from target_redshift.warehouse.sql import tables

logger = logging.getLogger("target_redshift.stage_tables")


def _prefix(name: str) -> str:
    """Prefix of a landing table's stage tables; its own name may be too long to be in theirs."""
    return f"tidemark_stage_{hashlib.sha256(name.encode()).hexdigest()[:16]}_"


def stage_table(name: str, load_id: int, number: int) -> str:
    """The stage table of a load's group of files."""
    return f"{_prefix(name)}{load_id}_{number}"


def make_stage_tables(
    connection: WarehouseConnection, landing: LandingTable, load_id: int, staged: StagedParquet
) -> None:
    """Makes the stage tables of a load.

    Raises:
        QueryError: One cannot be made.
    """
    for number, group in enumerate(staged.groups):
        definitions = [(column.name, column.redshift) for column in group.columns]
        connection.execute(
            tables.create_stage(stage_table(landing.name, load_id, number), definitions),
            what="CREATE TABLE of a stage table",
            table=landing.table,
        )


def drop_stage_tables(session: Session, landing: LandingTable, config: LoadSettings) -> None:
    """Drops a table's stage tables, also those of loads that have died.

    The table's lease is ours, so no other process uses them. A failure here must not hide the
    load's own outcome.
    """
    try:
        connection = session.connection
        statement = tables.tables_like(_prefix(landing.name))
        for (name,) in connection.execute(statement, what="the stage tables' names"):
            with lock_timeout(connection, config):
                connection.execute(tables.drop_table(name), what="DROP of a stage table")
    except TidemarkError as error:
        logger.warning(
            "could not drop stage tables; the next load of the table will: %s",
            error.message,
            extra={"table": str(landing.table)},
        )
