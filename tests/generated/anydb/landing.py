"""The landing tables as PostgreSQL, on which the stand-in stands, has them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import sql
from tidemark_sandbox.config import WAREHOUSE_DATABASE
from tidemark_sandbox.parts.postgres import PORT
from tidemark_sandbox.redshift.catalogue import SUPERUSER
from tidemark_sandbox.world import Sandbox


@dataclass(frozen=True)
class Landed:
    """A landing table.

    Attributes:
        rows: Its rows, by column, as text; of VARBYTE hexadecimal digits.
    """

    rows: list[dict[str, str | None]]


class Landing:
    """All landing tables of a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def tables(self) -> set[str]:
        return {str(name) for (name,) in self._ask(_TABLES)}

    def read(self, name: str) -> Landed:
        found = self._ask(_COLUMNS, [name])
        parts = [
            sql.SQL("encode({}::bytea, 'hex')" if kind == "varbyte" else "{}::text").format(
                sql.Identifier(column)
            )
            for column, kind in found
        ]
        query = sql.SQL("SELECT {} FROM landing.{}").format(
            sql.SQL(", ").join(parts), sql.Identifier(name)
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
                "SELECT source_table, file, row_count, load_id FROM landing.tidemark_loads"
            )
        ]

    def clear(self) -> None:
        """Removes every table."""
        for name in self.tables():
            self._ask(sql.SQL("DROP TABLE landing.{} CASCADE").format(sql.Identifier(name)))

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
    "SELECT relname FROM pg_class WHERE relnamespace = 'landing'::regnamespace AND relkind = 'r'"
)
_COLUMNS = (
    "SELECT attname, typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
    "WHERE a.attrelid = (SELECT oid FROM pg_class WHERE relname = %s "
    "AND relnamespace = 'landing'::regnamespace) AND attnum > 0 AND NOT attisdropped "
    "ORDER BY attnum"
)
