"""Discovery: what information_schema says of tables, views, columns and keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tidemark_core.errors import ConfigError
from tidemark_core.names import TableName
from tidemark_core.types.column_type import MySQLColumn, from_mysql

from tap_mysql.source.schema import Column, Table

if TYPE_CHECKING:
    from tap_mysql.source.session.connection import Session

_TABLES = """
SELECT table_schema, table_name, table_type, coalesce(table_rows, 0),
    coalesce(avg_row_length, 0), table_comment
FROM information_schema.tables
WHERE table_schema IN ({schemas}) AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')
ORDER BY table_schema, table_name
"""
_COLUMNS = """
SELECT table_schema, table_name, column_name, data_type, column_type, character_maximum_length,
    numeric_precision, numeric_scale, datetime_precision, is_nullable, character_set_name,
    collation_name, column_default, extra, column_comment
FROM information_schema.columns
WHERE table_schema IN ({schemas})
ORDER BY table_schema, table_name, ordinal_position
"""
_INDEXES = """
SELECT table_schema, table_name, index_name, column_name, non_unique, nullable, sub_part
FROM information_schema.statistics
WHERE table_schema IN ({schemas})
ORDER BY table_schema, table_name, index_name, seq_in_index
"""


def discover(session: Session, schemas: Iterable[str]) -> dict[TableName, Table]:
    """Reads the tables and views of some databases.

    Args:
        session: An open session.
        schemas: Names of databases; none: no table.

    Raises:
        SourceError: The server refused.
    """
    names = sorted(set(schemas))
    if not names:
        return {}
    marks = ", ".join(["%s"] * len(names))

    def ask(query: str) -> list[tuple[Any, ...]]:
        return session.rows(query.format(schemas=marks), tuple(names))

    columns: dict[tuple[str, str], list[Column]] = defaultdict(list)
    for row in ask(_COLUMNS):
        columns[row[0], row[1]].append(_column(*row[2:]))
    keys: dict[tuple[str, str], dict[str, list[tuple[Any, ...]]]] = defaultdict(dict)
    for schema, table, index, *part in ask(_INDEXES):
        keys[schema, table].setdefault(index, []).append(tuple(part))
    tables = {}
    for schema, name, kind, rows, row_bytes, comment in ask(_TABLES):
        found = keys[schema, name]
        table = TableName(schema, name)
        tables[table] = Table(
            name=table,
            columns=tuple(_read_as(column, kind) for column in columns[schema, name]),
            primary_key=tuple(part[0] for part in found.get("PRIMARY", [])),
            unique_keys=tuple(
                tuple(part[0] for part in parts)
                for index, parts in sorted(found.items())
                if index != "PRIMARY" and _is_key(parts)
            ),
            indexed=frozenset(parts[0][0] for parts in found.values() if parts[0][0]),
            is_view=kind == "VIEW",
            rows=int(rows),
            row_bytes=int(row_bytes),
            # For a view it is the word VIEW, or why the view cannot be read.
            comment="" if kind == "VIEW" else str(comment or ""),
        )
    return tables


def _read_as(column: Column, kind: str) -> Column:
    """A column under the name by which it can be read.

    No column of a view begins with a blank: MySQL removes them (ER_REMOVED_SPACES), but its
    information_schema still shows them.
    """
    return replace(column, name=column.name.lstrip()) if kind == "VIEW" else column


def _is_key(parts: list[tuple[Any, ...]]) -> bool:
    """Whether an index is unique over whole columns that are never NULL."""
    return all(
        column is not None and not int(non_unique) and nullable != "YES" and sub_part is None
        for column, non_unique, nullable, sub_part in parts
    )


def _column(
    name: str,
    data_type: str,
    column_type: str,
    length: int | None,
    precision: int | None,
    scale: int | None,
    datetime_precision: int | None,
    nullable: str,
    character_set: str | None,
    collation: str | None,
    default: str | None,
    extra: str | None,
    comment: str | None,
) -> Column:
    mysql = MySQLColumn(
        data_type=data_type,
        column_type=column_type,
        length=length,
        precision=precision,
        scale=scale,
        datetime_precision=datetime_precision,
    )
    try:
        kind = from_mysql(mysql)
    except ConfigError:
        kind = None
    # MariaDB writes a default of NULL as a word; both mark computed columns as GENERATED.
    has_default = default not in (None, "NULL") or "GENERATED" in (extra or "").upper()
    return Column(
        name,
        mysql,
        kind,
        nullable == "YES",
        character_set,
        collation,
        has_default=has_default,
        extra=(extra or "").lower(),
        comment=comment or "",
    )


def existing(session: Session, tables: Iterable[TableName]) -> set[TableName]:
    """Those of some tables that exist, as far as our user may see."""
    schemas = sorted({table.schema for table in tables})
    if not schemas:
        return set()
    query = _TABLES.format(schemas=", ".join(["%s"] * len(schemas)))
    return {TableName(row[0], row[1]) for row in session.rows(query, tuple(schemas))}
