"""The warehouse's tables as PostgreSQL, on which the stand-in stands, has them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import sql
from redshift_stand_in.postgres.cluster import PORT, SUPERUSER
from tidemark_sandbox.settings.accounts import WAREHOUSE_DATABASE
from tidemark_sandbox.world import Sandbox


@dataclass(frozen=True)
class Landed:
    """A table.

    Attributes:
        rows: Its rows, by column, as text; of VARBYTE hexadecimal digits.
    """

    rows: list[dict[str, str | None]]


class Warehouse:
    """All tables of a schema of the warehouse.

    Args:
        sandbox: The warehouse's.
        schema: The schema.
    """

    def __init__(self, sandbox: Sandbox, schema: str = "landing") -> None:
        self._sandbox, self._schema = sandbox, schema

    def tables(self) -> set[str]:
        return {str(name) for (name,) in self._ask(_TABLES, [self._schema])}

    def read(self, name: str) -> Landed:
        found = self._ask(_COLUMNS, [self._schema, name])
        parts = [
            sql.SQL("encode({}::bytea, 'hex')" if kind == "varbyte" else "{}::text").format(
                sql.Identifier(column)
            )
            for column, kind in found
        ]
        query = sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(parts), sql.Identifier(self._schema, name)
        )
        names = [column for column, _ in found]
        return Landed([dict(zip(names, row, strict=True)) for row in self._ask(query)])

    def ledger(self) -> list[tuple[str, str, int, int]]:
        """Source table, file, rows and load of each loaded file."""
        if "tidemark_loads" not in self.tables():
            return []
        return [
            (str(table), str(file), int(rows), int(load))
            for table, file, rows, load in self._ask(
                "SELECT source_table, file, row_count, load_id FROM landing.tidemark_loads "
                "WHERE load_id IS NOT NULL"
            )
        ]

    def clear(self) -> None:
        """Removes every table."""
        for name in self.tables():
            self._ask(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(self._schema, name)))

    def _ask(self, query: Any, arguments: Any = None) -> list[tuple[Any, ...]]:
        with closing(
            psycopg2.connect(
                host=str(self._sandbox.config.postgres_sockets), port=PORT, user=SUPERUSER,
                dbname=WAREHOUSE_DATABASE,
            )
        ) as connection:  # fmt: skip
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(query, arguments)
                return cursor.fetchall() if cursor.description else []


_TABLES = (
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = %s AND c.relkind = 'r'"
)
_COLUMNS = (
    "SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
    "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped "
    "ORDER BY a.attnum"
)
