"""Makes a landing table anew, for when the source's table has become another one."""

from __future__ import annotations

from tidemark_core.names import (
    LANDING_SCHEMA,
    LEDGER_TABLE,
    TableName,
    quote_redshift,
)
from tidemark_core.warehouse import connect

from tidemark.project import Project
from tidemark.services.bookmarks import Leg, value_of
from tidemark.services.catalogue import bucket_time
from tidemark.services.changes import Change
from tidemark.services.lakemark import describe, since
from tidemark.services.states import States


def plan_rebuild(project: Project, table: TableName) -> list[Change]:
    """The bookmarks with which both legs start afresh.

    The next backup reads the whole table. The load begins with what is extracted from now on,
    because the older files in the lake have the types that no longer fit.
    """
    states = States(project)
    backup, load = (states.bookmarks(leg).get(table.stream) for leg in (Leg.BACKUP, Leg.LOAD))
    mark = since(bucket_time(project))
    return [
        Change(
            Leg.BACKUP, table, str(value_of(backup) or "nothing yet"), "from the beginning", None
        ),
        Change(Leg.LOAD, table, describe(load), describe(mark), mark),
    ]


def drop_landing(project: Project, table: TableName) -> None:
    """Drops a landing table and forgets its loads, in one transaction.

    Raises:
        WarehouseError: The warehouse refused; nothing has changed.
    """
    landing = f"{quote_redshift(LANDING_SCHEMA)}.{quote_redshift(table.landing)}"
    ledger = f"{quote_redshift(LANDING_SCHEMA)}.{quote_redshift(LEDGER_TABLE)}"
    what = "dropping the landing table"
    with connect(project.warehouse_values) as warehouse:
        warehouse.execute("BEGIN", what=what, table=table)
        warehouse.execute(f"DROP TABLE IF EXISTS {landing}", what=what, table=table)
        warehouse.execute(
            f"DELETE FROM {ledger} WHERE source_table = ?", [str(table)], what=what, table=table
        )
        warehouse.execute("COMMIT", what=what, table=table)
