"""Retention by the settings: loaded files, the records of them, and built loads in landing.

What was committed is kept forever unless a setting says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidemark_core.errors import LakeError
from tidemark_core.names import (
    LANDING_SCHEMA,
    LEDGER_TABLE,
    LOAD_ID,
    TableName,
    landing_relation,
    quote_redshift,
)
from tidemark_core.redshift.connection import WarehouseConnection, connect
from tidemark_core.redshift.ledger import LEDGER_LOADS
from tidemark_core.s3.objects import delete_all, list_keys

from tidemark.config.project import Project
from tidemark.services.bookmarks.store import BACKUPS
from tidemark.services.lake.built import built_loads
from tidemark.services.lake.catalogue import is_copied
from tidemark.services.lake.file_status import Rules, Status
from tidemark.services.lake.ledger import relation_exists
from tidemark.state.store import state_folder

_COPY = re.compile(rf"[A-Za-z0-9_%\-]+/{BACKUPS}\d{{4}}-\d\d-\d\d_\d\d-\d\d-\d\d-\d{{6}}\.json")


@dataclass(frozen=True)
class OldLoad:
    """A load in landing that is built and old enough to go."""

    table: TableName
    load_id: int
    rows: int
    loaded_at: datetime


#: No run will still commit a file that is this old.
_ORPHANS = Rules(older_than=timedelta(days=7), statuses=frozenset({Status.ORPHAN}))


def file_rules(days: int) -> dict[str, Rules]:
    """The rules for removing files: orphans after a week, loaded ones after the days set, if any.

    Args:
        days: BACKUP_RETENTION_DAYS.
    """
    if not days:
        return {"orphans": _ORPHANS}
    loaded = Rules(older_than=timedelta(days=days), statuses=frozenset({Status.LOADED}))
    return {"files": loaded, "orphans": _ORPHANS}


def old_records(project: Project, days: int, now: datetime) -> list[str]:
    """Keys of archived manifests, run reports and copies of states that are older than some days.

    Raises:
        LakeError: The bucket cannot be read.
    """
    if not days:
        return []
    layout, limit = project.layout, now - timedelta(days=days)
    folder = state_folder(project.watermark_key)
    found: list[str] = []
    for root in (layout.archive_root, layout.runs_root, folder):
        found += [
            entry["Key"]
            for entry in list_keys(project.s3, project.bucket, root)
            if entry["LastModified"] <= limit and is_record(project, root, entry["Key"])
        ]
    return found


def is_record(project: Project, root: str, key: str) -> bool:
    """Whether a key is that of a record that may go; that of a state or manifest never is."""
    layout, name = project.layout, key.removeprefix(root)
    try:
        if root == layout.archive_root:
            return layout.archive_key(layout.manifests_root + name) == key
        if root == layout.runs_root:
            layout.parse_run_key(key)
            return True
    except LakeError:
        return False
    return bool(_COPY.fullmatch(name))


def delete_records(project: Project, keys: Sequence[str]) -> None:
    """Deletes records.

    Raises:
        LakeError: S3 refused.
    """
    what = f"deleting old records in s3://{project.bucket}"
    delete_all(project.s3, project.bucket, keys, what)


def old_loads(project: Project, days: int, now: datetime) -> list[OldLoad]:
    """The loads in landing that are older than some days and that dbt has built.

    A table without a model is never touched: nothing has taken its rows out of landing. Nor is one
    that is copied whole, of which landing has the newest copy only.

    Raises:
        WarehouseError: The warehouse cannot be asked.
    """
    if not days:
        return []
    limit = (now - timedelta(days=days)).replace(tzinfo=None)
    with connect(project.warehouse) as warehouse:
        if not relation_exists(warehouse, LANDING_SCHEMA, LEDGER_TABLE):
            return []
        rows = warehouse.execute(LEDGER_LOADS, [limit], what="reading the ledger")
        loads = [
            OldLoad(TableName.parse(str(t)), int(load), int(count), loaded)
            for t, load, count, loaded in rows
        ]
        built = built_loads(project, {load.table for load in loads})
        built = {table: ids for table, ids in built.items() if not is_copied(project, table)}
        # Only those: a table that was created there by hand has no loads to ask for.
        old = {
            table: ids & _present(warehouse, project.names.of(table))
            for table, ids in built.items()
        }
    return [load for load in loads if load.load_id in old.get(load.table, ())]


def retire_loads(project: Project, loads: Iterable[OldLoad]) -> int:
    """Deletes the rows of loads from landing.

    The ledger keeps its entries, so that nothing is loaded twice.

    Returns:
        Rows deleted.

    Raises:
        WarehouseError: The warehouse refused.
    """
    by_table: dict[TableName, list[OldLoad]] = {}
    for load in loads:
        by_table.setdefault(load.table, []).append(load)
    gone = 0
    with connect(project.warehouse) as warehouse:
        for table, members in by_table.items():
            marks = ", ".join("?" * len(members))
            landing = landing_relation(project.names.of(table))
            before = _count(warehouse, landing)
            warehouse.execute(
                f"DELETE FROM {landing} WHERE {quote_redshift(LOAD_ID)} IN ({marks})",
                [load.load_id for load in members],
                what="removing old loads",
                table=table,
            )
            gone += before - _count(warehouse, landing)
    return gone


def _count(warehouse: WarehouseConnection, landing: str) -> int:
    ((rows,),) = warehouse.execute(f"SELECT count(*) FROM {landing}", what="a row count")
    return int(rows)


def _present(warehouse: WarehouseConnection, name: str) -> set[int]:
    if not relation_exists(warehouse, LANDING_SCHEMA, name):
        return set()
    query = f"SELECT DISTINCT {quote_redshift(LOAD_ID)} FROM {landing_relation(name)}"
    rows = warehouse.execute(query, what="a query for loads")
    return {int(load) for (load,) in rows}
