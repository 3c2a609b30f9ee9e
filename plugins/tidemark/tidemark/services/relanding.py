"""Makes a landing table anew, from the source or from what the lake has."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from target_redshift.files import LoadFile
from target_redshift.ledger import Ledger
from tidemark_core.manifest import Manifest
from tidemark_core.names import LANDING_SCHEMA, LEDGER_TABLE, TableName, quote_redshift
from tidemark_core.warehouse import connect

from tidemark.project import Project
from tidemark.services.bookmarks import Leg, value_of
from tidemark.services.changes import Change
from tidemark.services.lake import read_manifests
from tidemark.services.lakemark import describe, since
from tidemark.services.ledger import LEDGER, relation_exists
from tidemark.services.states import States


def plan_rebuild(project: Project, table: TableName, mark: datetime | None) -> list[Change]:
    """The bookmarks with which both legs start afresh.

    The next backup reads the whole table. The load begins with what is extracted from now on,
    because the older files in the lake have the types that no longer fit.

    Args:
        project: Where we are.
        table: The table.
        mark: The load goes on with what is extracted from then on; None: it begins with the
            lake's first file, and the backup goes on as it would have.
    """
    states = States(project)
    backup, load = (states.bookmarks(leg).get(table.stream) for leg in (Leg.BACKUP, Leg.LOAD))
    if mark is None:
        return [Change(Leg.LOAD, table, describe(load), "the first file of the lake", None)]
    new = since(mark)
    return [
        Change(
            Leg.BACKUP, table, str(value_of(backup) or "nothing yet"), "from the beginning", None
        ),
        Change(Leg.LOAD, table, describe(load), describe(new), new),
    ]


def drop_landing(project: Project, table: TableName, mark: datetime | None) -> None:
    """Drops a landing table and forgets its loads, in one transaction.

    The files that were extracted before are written into the ledger with no row: they are dealt
    with, and nothing waits for a load that will never come.

    Args:
        project: Where we are.
        table: The table.
        mark: The load goes on with what is extracted from then on; None: every file will be
            loaded again.

    Raises:
        WarehouseError: The warehouse refused; nothing has changed.
    """
    landing = f"{quote_redshift(LANDING_SCHEMA)}.{quote_redshift(table.landing)}"
    what = "dropping the landing table"
    manifests = read_manifests(project.location, [table], client=project.s3).get(table, [])
    with connect(project.warehouse_values) as warehouse:
        known = relation_exists(warehouse, LANDING_SCHEMA, LEDGER_TABLE)
        warehouse.execute("BEGIN", what=what, table=table)
        warehouse.execute(f"DROP TABLE IF EXISTS {landing}", what=what, table=table)
        if known:
            ledger = Ledger(warehouse, table)
            load_id = ledger.next_load_id()
            warehouse.execute(
                f"DELETE FROM {LEDGER} WHERE source_table = ?", [str(table)], what=what, table=table
            )
            if mark is not None:
                ledger.add(passed_over(project, manifests, mark), load_id=load_id, fence=0)
        warehouse.execute("COMMIT", what=what, table=table)


def passed_over(project: Project, manifests: Iterable[Manifest], mark: datetime) -> list[LoadFile]:
    """The files that were extracted before a time, as the ledger has them: with no row."""
    return [
        LoadFile(
            name=file.key,
            etag=file.etag,
            rows=0,
            size=file.size,
            extracted_at=manifest.extracted_at,
            run_id="rebuild",
            manifest=manifest.key(project.layout),
        )
        for manifest in manifests
        for file in manifest.files
        if manifest.extracted_at < mark
    ]
