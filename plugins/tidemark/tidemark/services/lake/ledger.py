"""What the warehouse says that it has loaded, and which relations it has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tidemark_core.errors import ConfigError
from tidemark_core.names import LANDING_SCHEMA, LEDGER_TABLE, TableName
from tidemark_core.redshift import ledger as ledger_sql
from tidemark_core.redshift.connection import WarehouseConnection

_COLUMNS = (
    "SELECT column_name, data_type FROM svv_columns WHERE table_schema = ? AND table_name = ?"
)
_EXISTS = "SELECT 1 FROM svv_tables WHERE table_schema = ? AND table_name = ?"


@dataclass(frozen=True)
class LedgerEntry:
    """One loaded file. ``loaded_at`` is UTC."""

    table: str
    file: str
    etag: str
    rows: int
    load_id: int
    run_id: str
    loaded_at: datetime | None


def relation_exists(warehouse: WarehouseConnection, schema: str, name: str) -> bool:
    """Whether there is a table or view that we may see."""
    return bool(warehouse.execute(_EXISTS, [schema, name], what="a query for a table"))


def columns_of(warehouse: WarehouseConnection, schema: str, name: str) -> frozenset[str] | None:
    """The columns of a table or view; None when there is none that we may see."""
    return frozenset(types_of(warehouse, schema, name)) or None


def types_of(warehouse: WarehouseConnection, schema: str, name: str) -> dict[str, str]:
    """The types of the columns of a table or view; empty when there is none that we may see."""
    found = warehouse.execute(_COLUMNS, [schema, name], what="a query for columns")
    return {str(column): str(kind) for column, kind in found}


def refuse_other_copy(warehouse: WarehouseConnection, table: TableName, name: str) -> None:
    """Makes sure that a table's name in the warehouse is not that of another table's copy.

    Raises:
        ConfigError: It was loaded from another source table.
    """
    if not relation_exists(warehouse, LANDING_SCHEMA, LEDGER_TABLE):
        return
    query, what = ledger_sql.LEDGER_OTHER_SOURCE, "reading the ledger"
    for (source,) in warehouse.execute(query, [name, str(table)], what=what):
        raise ConfigError(
            f"what is called {name!r} in the warehouse is the copy of {source}",
            table=table,
            hint=f"tidemark add {table} gives it a different name",
        )


def read_ledger(
    warehouse: WarehouseConnection, tables: Iterable[TableName] = ()
) -> list[LedgerEntry]:
    """The loaded files of some tables, or of all; empty before the first load.

    Raises:
        WarehouseError: The ledger cannot be read.
    """
    if not relation_exists(warehouse, LANDING_SCHEMA, LEDGER_TABLE):
        return []
    names = [str(table) for table in tables]
    query = ledger_sql.ledger_entries(len(names))
    rows = warehouse.execute(query, names, what="reading the ledger")
    return [
        LedgerEntry(
            str(table),
            str(file),
            str(etag),
            int(count),
            int(load),
            str(run),
            None if loaded is None else loaded.replace(tzinfo=UTC),
        )
        for table, file, etag, count, load, run, loaded in rows
    ]
