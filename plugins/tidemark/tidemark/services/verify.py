"""Counts the rows of each table at every stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidemark_core.errors import ConfigError
from tidemark_core.manifest import Manifest
from tidemark_core.names import LANDING_SCHEMA, TableName, quote_mysql, quote_redshift
from tidemark_core.s3 import S3Location
from tidemark_core.settings import resolve
from tidemark_core.warehouse import WarehouseConnection, connect

from tidemark.connections import MySQL, open_mysql
from tidemark.services.counts import StageCounts
from tidemark.services.lake import read_manifests
from tidemark.settings import SETTINGS

_PUBLIC_SCHEMA = "public"


def count_stages(environ: Mapping[str, str], wanted: Iterable[TableName]) -> list[StageCounts]:
    """Counts the tables of the lake, or those asked for.

    Args:
        environ: The settings, as environment variables.
        wanted: Tables to count; empty: every table that the lake has a manifest of.

    Raises:
        ConfigError: A table that was asked for is not in the lake.
        TidemarkError: A stage cannot be reached.
    """
    values = resolve(SETTINGS, {}, environ)
    location = S3Location.from_config(values)
    manifests = read_manifests(location)
    tables = sorted(wanted) or sorted(manifests)
    for table in tables:
        if table not in manifests:
            raise ConfigError("the lake has nothing of it", table=table, hint="meltano run backup")
    with open_mysql(values) as mysql, connect(values) as warehouse:
        return [_count(table, manifests[table], mysql, warehouse) for table in tables]


def _count(
    table: TableName, manifests: list[Manifest], mysql: MySQL, warehouse: WarehouseConnection
) -> StageCounts:
    upto, since = _source_counts(table, manifests[-1], mysql)
    return StageCounts(
        table=str(table),
        source=upto,
        changed=since,
        lake=sum(manifest.rows for manifest in manifests),
        landing=_warehouse_count(warehouse, LANDING_SCHEMA, table),
        public=_warehouse_count(warehouse, _PUBLIC_SCHEMA, table),
    )


def _source_counts(table: TableName, newest: Manifest, mysql: MySQL) -> tuple[int, int]:
    """Rows up to the bookmark of the newest commit, and rows beyond it."""
    name = f"{quote_mysql(table.schema)}.{quote_mysql(table.table)}"
    key, value = (newest.bookmark.get(k) for k in ("replication_key", "replication_key_value"))
    if key is None or value is None:
        return mysql.number(f"SELECT count(*) FROM {name}"), 0
    beyond = f"coalesce(sum({quote_mysql(key)} > %s), 0)"
    bound = value.replace("T", " ") if isinstance(value, str) else value
    rows, since = mysql.row(f"SELECT count(*), {beyond} FROM {name}", [bound])
    return int(rows) - int(since), int(since)


def _warehouse_count(warehouse: WarehouseConnection, schema: str, table: TableName) -> int | None:
    exists = warehouse.execute(
        "SELECT 1 FROM svv_tables WHERE table_schema = ? AND table_name = ?",
        [schema, table.landing],
        what="a look for the table",
        table=table,
    )
    if not exists:
        return None
    name = f"{quote_redshift(schema)}.{quote_redshift(table.landing)}"
    ((rows,),) = warehouse.execute(f"SELECT count(*) FROM {name}", what="a count", table=table)
    return int(rows)
