"""What commands ask MySQL: tables, keys, windows. The SQL is made by pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tidemark_core.names import TableName

from tidemark.source.mysql import MySQL
from tidemark.source.quoting import mysql_name, mysql_table

_COLUMN_TYPE = (
    "SELECT data_type FROM information_schema.columns "
    "WHERE table_schema = %s AND table_name = %s AND column_name = %s"
)
_COLUMN_TYPES = (
    "SELECT column_name, data_type FROM information_schema.columns "
    "WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
)
_TABLES = (
    "SELECT table_schema, table_name, coalesce(table_rows, 0), coalesce(avg_row_length, 0) "
    "FROM information_schema.tables WHERE table_schema = %s AND table_type IN "
    "('BASE TABLE', 'VIEW') ORDER BY table_name"
)


@dataclass(frozen=True)
class SourceTable:
    """A table of the source; ``rows`` and ``row_bytes`` are the server's estimates."""

    name: TableName
    rows: int
    row_bytes: int


def window_sql(table: TableName, column: str | None, *, bounded: bool, ended: bool = False) -> str:
    """The SQL that counts the rows of a window, those beyond the bookmark, and its greatest key.

    Args:
        table: The table.
        column: Its replication key; None: the whole table.
        bounded: Whether there is a bookmark; the statement's values are it and the lower bound.
        ended: Whether there is an upper bound, the statement's last value.
    """
    if column is None:
        return f"SELECT count(*), count(*), NULL FROM {mysql_table(table)}"
    key = mysql_name(column)
    new = f"coalesce(sum({key} > %s), 0)" if bounded else "count(*)"
    bounds = [f"{key} >= %s"] * bounded + [f"{key} <= %s"] * ended
    where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
    return f"SELECT count(*), {new}, max({key}) FROM {mysql_table(table)}{where}"


def nth_sql(table: TableName, column: str, number: int, *, bounded: bool) -> str:
    """The SQL of the n-th key beyond the bookmark, which it binds if there is one (bounded)."""
    key = mysql_name(column)
    where = f"{key} > %s" if bounded else f"{key} IS NOT NULL"
    return (
        f"SELECT {key} FROM {mysql_table(table)} WHERE {where} "
        f"ORDER BY {key} LIMIT 1 OFFSET {number - 1}"
    )


def list_tables(mysql: MySQL, schema: str) -> list[SourceTable]:
    """The tables and views of a database that we may see."""
    return [
        SourceTable(TableName(str(s), str(t)), int(rows), int(length))
        for s, t, rows, length in mysql.rows(_TABLES, [schema])
    ]


def column_type(mysql: MySQL, table: TableName, column: str) -> str:
    """The data type of a column; empty when there is none of that name."""
    found = mysql.rows(_COLUMN_TYPE, [table.schema, table.table, column])
    return str(found[0][0]) if found else ""


def column_types(mysql: MySQL, table: TableName) -> dict[str, str]:
    """The data type of each column; empty when there is no such table, or we may not see it."""
    found = mysql.rows(_COLUMN_TYPES, [table.schema, table.table])
    return {str(name): str(data_type) for name, data_type in found}


def table_exists(mysql: MySQL, table: TableName) -> bool:
    """Whether the source has the table, as far as our user may see."""
    return any(found.name == table for found in list_tables(mysql, table.schema))


def greatest(mysql: MySQL, table: TableName, column: str) -> Any:
    """The greatest value of a column; None for an empty table."""
    return mysql.row(f"SELECT max({mysql_name(column)}) FROM {mysql_table(table)}")[0]


def source_time(mysql: MySQL) -> datetime:
    """The time by the source's own clock, UTC."""
    found: datetime = mysql.row("SELECT utc_timestamp(6)")[0]
    return found.replace(tzinfo=UTC)
