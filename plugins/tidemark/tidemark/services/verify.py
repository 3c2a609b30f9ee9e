"""Counts the rows of each table at every stage, and compares their content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidemark_core.errors import ConfigError
from tidemark_core.manifest import Manifest
from tidemark_core.names import LANDING_SCHEMA, TableName, quote_mysql, quote_redshift
from tidemark_core.warehouse import WarehouseConnection, connect

from tidemark.connections import MySQL, open_mysql
from tidemark.project import Project
from tidemark.services.bookmarks import Leg
from tidemark.services.counts import StageCounts
from tidemark.services.deepverify import Difference, compare, comparison
from tidemark.services.deletions import marked
from tidemark.services.lake import read_archive, read_manifests
from tidemark.services.ledger import read_ledger, relation_exists
from tidemark.services.rowkeys import PUBLIC
from tidemark.services.source import quoted
from tidemark.services.states import States


@dataclass(frozen=True)
class Verified:
    """What was found of one table; ``differences`` is None when no checksum was asked for."""

    counts: StageCounts
    differences: tuple[Difference, ...] | None = None


def verify_tables(
    project: Project, wanted: Iterable[TableName], *, checksum: bool = False
) -> list[Verified]:
    """Verifies the tables of the lake, or those asked for.

    Args:
        project: Where we are.
        wanted: Tables; empty: every table that the lake has a manifest of.
        checksum: Whether to compare the content too.

    Raises:
        ConfigError: A table that was asked for is not in the lake.
        TidemarkError: A stage cannot be reached.
    """
    commits = read_commits(project, wanted)
    marks = States(project).bookmarks(Leg.BACKUP)
    found = []
    with open_mysql(project.mysql_values) as mysql, connect(project.reader_values) as warehouse:
        for table, history in commits.items():
            # The state's bookmark moves on without a manifest when there was nothing new.
            mark = marks.get(table.stream) or history[-1].bookmark
            counts = _count(table, history, mark, mysql, warehouse)
            differences = None
            if checksum and counts.public is not None:
                what = comparison(history[-1], mark, has_marks=counts.deleted > 0)
                differences = tuple(compare(what, mysql, warehouse))
            found.append(Verified(counts, differences))
    return found


def read_commits(project: Project, wanted: Iterable[TableName]) -> dict[TableName, list[Manifest]]:
    """Every commit of each table, oldest first; what retention has removed is among them.

    Args:
        project: Where we are.
        wanted: Tables; empty: every table that the lake has a manifest of.

    Raises:
        ConfigError: A table that was asked for is not in the lake.
        LakeError: The lake cannot be read.
    """
    asked = list(wanted)
    manifests = read_manifests(project.location, asked, client=project.s3)
    archive = read_archive(project.location, asked, client=project.s3)
    found = {}
    for table in asked or sorted(manifests.keys() | archive.keys()):
        every = [*archive.get(table, []), *manifests.get(table, [])]
        if not every:
            raise ConfigError(
                "the lake has nothing of it", table=table, hint=f"tidemark backup -t {table}"
            )
        found[table] = sorted(every, key=lambda manifest: (manifest.extracted_at, manifest.part))
    return found


def _count(
    table: TableName,
    history: Sequence[Manifest],
    mark: Mapping[str, Any],
    mysql: MySQL,
    warehouse: WarehouseConnection,
) -> StageCounts:
    upto, since = _source_counts(table, mark, mysql)
    files = {file.key: file.rows for manifest in history for file in manifest.files}
    return StageCounts(
        table=str(table),
        source=upto,
        changed=since,
        lake=sum(files.values()),
        landing=_landed(warehouse, table),
        public=_warehouse_count(warehouse, PUBLIC, table),
        passed_over=_passed_over(warehouse, table, files),
        deleted=marked(warehouse, table),
    )


def _source_counts(table: TableName, mark: Mapping[str, Any], mysql: MySQL) -> tuple[int, int]:
    """Rows up to the bookmark, and rows beyond it."""
    key, value = (mark.get(k) for k in ("replication_key", "replication_key_value"))
    if key is None or value is None:
        return mysql.number(f"SELECT count(*) FROM {quoted(table)}"), 0
    beyond = f"coalesce(sum({quote_mysql(key)} > %s), 0)"
    bound = value.replace("T", " ") if isinstance(value, str) else value
    rows, since = mysql.row(f"SELECT count(*), {beyond} FROM {quoted(table)}", [bound])
    return int(rows) - int(since), int(since)


def _landed(warehouse: WarehouseConnection, table: TableName) -> int | None:
    """Rows that landed: those of loads that retention has taken out of landing count too."""
    rows = _warehouse_count(warehouse, LANDING_SCHEMA, table)
    if rows is None:
        return None
    ((retired,),) = warehouse.execute(
        "SELECT coalesce(sum(row_count), 0) FROM landing.tidemark_loads WHERE source_table = ? "
        "AND load_id NOT IN (SELECT _tidemark_load_id FROM "
        f"{quote_redshift(LANDING_SCHEMA)}.{quote_redshift(table.landing)})",
        [str(table)],
        what="reading the ledger",
        table=table,
    )
    return rows + int(retired)


def _passed_over(warehouse: WarehouseConnection, table: TableName, files: Mapping[str, int]) -> int:
    """Rows of the files that a rebuild has written into the ledger without loading them."""
    entries = read_ledger(warehouse, [table])
    return sum(files.get(entry.file, 0) for entry in entries if not entry.rows)


def _warehouse_count(warehouse: WarehouseConnection, schema: str, table: TableName) -> int | None:
    if not relation_exists(warehouse, schema, table.landing):
        return None
    name = f"{quote_redshift(schema)}.{quote_redshift(table.landing)}"
    ((rows,),) = warehouse.execute(f"SELECT count(*) FROM {name}", what="a count", table=table)
    return int(rows)
