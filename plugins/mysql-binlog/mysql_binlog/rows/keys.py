"""Which columns a table has, as information_schema says, and whether the log's rows fit that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pymysql

from mysql_binlog.errors import WrongKey
from mysql_binlog.model import Column, KeyColumns, Table
from mysql_binlog.rows.table_map import TableMap, Type
from mysql_binlog.rows.values import LOGGED_AS

_COLUMNS = """
SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COALESCE(CHARACTER_SET_NAME, ''),
    COALESCE(CHARACTER_OCTET_LENGTH, 0), COALESCE(DATETIME_PRECISION, 0)
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s
ORDER BY ORDINAL_POSITION
"""
_PRIMARY = """
SELECT COLUMN_NAME FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX
"""


def key_columns(
    connection: pymysql.Connection[Any], table: Table, names: Sequence[str] | None = None
) -> KeyColumns:
    """Asks the server for a table's columns.

    Args:
        connection: To the server whose log is read.
        table: Schema and name.
        names: The columns whose values are wanted; None: those of the primary key.

    Raises:
        WrongKey: The table is not there, has no primary key, or not these columns.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, table)
        columns = tuple(_column(row) for row in cursor.fetchall())
        if names is None:
            cursor.execute(_PRIMARY, table)
            names = [str(name) for (name,) in cursor.fetchall()]
    if not columns or not names:
        what = "has no primary key" if columns else "does not exist, or may not be read"
        raise WrongKey(f"{table[0]}.{table[1]} {what}")
    if unknown := set(names) - {column.name for column in columns}:
        raise WrongKey(f"{table[0]}.{table[1]} has no column {', '.join(sorted(unknown))}")
    return KeyColumns(tuple(names), columns)


def _column(row: Sequence[Any]) -> Column:
    name, data_type, column_type, charset, length, precision = row
    return Column(
        str(name), str(data_type).lower(), _text(column_type), str(charset), int(length),
        int(precision),
    )  # fmt: skip


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def places(key: KeyColumns, logged: TableMap) -> tuple[int, ...] | None:
    """Where the wanted columns are in the rows of a table map; None if unknown.

    By name, where the server logs names. Otherwise the log's columns must match those of today in
    order and type, up to the last of the wanted ones; those after it move none of them. If an ALTER
    has moved them, its statement says so.
    """
    if logged.names:
        where = {name: place for place, name in enumerate(logged.names)}
        found = tuple(where.get(name, -1) for name in key.names)
        today = {column.name: column for column in key.columns}
        fits = all(
            place >= 0 and _fits(today[name], logged, place)
            for name, place in zip(key.names, found, strict=True)
        )
        return found if fits else None
    first = key.columns[: max(key.places) + 1]
    if len(logged.columns) < len(first):
        return None
    fits = all(_fits(column, logged, place) for place, column in enumerate(first))
    return key.places if fits else None


def _fits(column: Column, logged: TableMap, place: int) -> bool:
    expected = LOGGED_AS.get(column.data_type)
    return expected is None or logged.columns[place].type in expected


def unknown_widths(key: KeyColumns, logged: TableMap) -> str | None:
    """A column for which the log does not say how long its values are.

    MariaDB's times with a fraction, in its own format from before mysql56_temporal_format.
    """
    old = (Type.TIME, Type.DATETIME, Type.TIMESTAMP)
    for column, there in zip(key.columns, logged.columns, strict=False):
        if there.type in old and column.precision:
            return column.name
    return None
