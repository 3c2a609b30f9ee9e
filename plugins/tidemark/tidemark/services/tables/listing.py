"""`tidemark tables`: what is copied, how, since when, and where it differs from the source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tap_mysql.source.schema import Table
from tidemark_core.errors import TidemarkError
from tidemark_core.names import TableName, redshift_relation
from tidemark_core.redshift.connection import connect
from tidemark_core.s3.errors import explained
from tidemark_core.types.super_columns import SuperColumns

from tidemark.config.files.file_changes import FileChanges
from tidemark.config.project import Project
from tidemark.config.tables.selection import Rules
from tidemark.services.lake.ledger import relation_exists
from tidemark.services.tables.contract.contract import Contract
from tidemark.services.tables.contract.update import compare
from tidemark.services.tables.copied import Copied, chosen, copied_tables, copy_name
from tidemark.services.tables.method import Method
from tidemark.services.tables.project_files import ProjectFiles
from tidemark.services.tables.source import landing_table
from tidemark.source.mysql import open_mysql


@dataclass(frozen=True)
class Listed:
    """A table that is copied.

    Attributes:
        table: ``schema.table``.
        name: Its name in landing and in public.
        replication_method: ``INCREMENTAL``, ``LOG_BASED`` or ``FULL_TABLE``.
        replication_key: A column, for INCREMENTAL.
        since: When it was read for the first time; None: it was not yet.
        rows: Of its public table; None: there is none, or it could not be asked.
        differences: Where the contract differs from the source; None: it could not be asked.
        hard_delete: Whether rows that are deleted in MySQL leave the public table.
    """

    table: str
    name: str
    replication_method: str
    replication_key: str | None
    since: datetime | None
    rows: int | None
    differences: tuple[str, ...] | None
    hard_delete: bool


@dataclass(frozen=True)
class Listing:
    """What is copied, and what could not be found out.

    Attributes:
        tables: By name.
        problems: Why a server could not be asked.
    """

    tables: list[Listed]
    problems: list[str] = field(default_factory=list)


def list_tables(project: Project, patterns: Iterable[str] = ()) -> Listing:
    """Asks MySQL, the lake and the warehouse about what is copied.

    Raises:
        ConfigError: A pattern matches nothing that is copied.
        LakeError: The lake cannot be read.
    """
    files = ProjectFiles(FileChanges(project.root))
    contracts, rules = copied_tables(files), files.rules
    if wanted := list(patterns):
        database = project.database
        contracts = chosen(contracts, wanted, database, "tidemark add {}".format)
    names = {
        table: copy_name(table, contract, project.names) for table, contract in contracts.items()
    }
    problems: list[str] = []
    rows: Mapping[TableName, int | None] = {}
    differences: Mapping[TableName, tuple[str, ...]] = {}
    try:
        rows = _count(project, names)
    except TidemarkError as error:
        problems.append(f"could not query the warehouse: {error.message}")
    try:
        differences = _differences(project, contracts, rules)
    except TidemarkError as error:
        problems.append(f"could not query MySQL: {error.message}")
    found = []
    for table, contract in contracts.items():
        key = rules.replication_key(table)
        found.append(
            Listed(
                table=str(table),
                name=names[table],
                replication_method=rules.method(table),
                replication_key=key,
                since=_since(project, table),
                rows=rows.get(table),
                differences=differences.get(table),
                hard_delete=contract is None or contract.hard_delete,
            )
        )
    return Listing(found, problems)


def _count(project: Project, names: Mapping[TableName, str]) -> dict[TableName, int | None]:
    """The rows of the public tables."""
    schema = project.public_schema
    found: dict[TableName, int | None] = {}
    with connect(project.reader) as warehouse:
        for table, name in names.items():
            if relation_exists(warehouse, schema, name):
                where = redshift_relation(schema, name)
                ((rows,),) = warehouse.execute(f"SELECT count(*) FROM {where}", what="a row count")
                found[table] = int(rows)
    return found


def _differences(
    project: Project, contracts: Copied, rules: Rules
) -> dict[TableName, tuple[str, ...]]:
    """Where the source is not as the contracts say."""
    with open_mysql(project.mysql) as mysql:
        there = mysql.tables({table.schema for table in contracts})
    return {
        table: _difference(table, contract, there.get(table), rules, project.super_columns)
        for table, contract in contracts.items()
    }


def _difference(
    table: TableName,
    contract: Contract | None,
    source: Table | None,
    rules: Rules,
    super_columns: SuperColumns,
) -> tuple[str, ...]:
    if source is None:
        return ("MySQL has no such table, or DB_USER may not read it",)
    if contract is None:
        return ("it has no contract, so it is only copied to landing",)
    if not rules.selects(table):
        return ("no select rule includes it",)
    key = rules.replication_key(table)
    method = Method(rules.method(table), "", key)
    try:
        landing = landing_table(source, method, rules, contract.name, super_columns)
        found = compare(contract, landing).told()
    except TidemarkError as error:
        return (error.message,)
    told = (contract.method, (contract.replication_key or "").lower())
    if told != (method.name, (key or "").lower()):
        found.append(
            f"its contract says {contract.method} {contract.replication_key or ''}".strip()
        )
    return tuple(found)


def _since(project: Project, table: TableName) -> datetime | None:
    """When a table was read for the first time, by the name of its oldest manifest."""
    layout = project.layout
    own = layout.manifests_prefix(table).removeprefix(layout.manifests_root)
    for root in (layout.archive_root, layout.manifests_root):
        with explained(f"reading s3://{project.bucket}/{root}{own}"):
            page = project.s3.list_objects_v2(
                Bucket=project.bucket, Prefix=f"{root}{own}", MaxKeys=1
            )
        for entry in page.get("Contents", ()):
            key = layout.manifests_root + entry["Key"].removeprefix(root)
            return layout.parse_manifest_key(key).moment
    return None
