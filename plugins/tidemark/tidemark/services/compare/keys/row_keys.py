"""The key of a row as one text that MySQL and the warehouse write alike: SQL. Pure.

A key of one column is that column's value as text; of several, their values separated by slashes,
where a slash in a value is written ``~1`` and a tilde ``~0``, as JSON pointers have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tap_mysql.values.bookmark_facts import Reading
from tidemark_core.errors import ConfigError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName, fold, quote_redshift, redshift_relation
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import from_json_schema

from tidemark.services.compare.row_text import (
    INTEGERS,
    mysql_number,
    mysql_text,
    redshift_number,
    redshift_text,
)
from tidemark.source.quoting import mysql_name, mysql_table

#: Types of keys whose text both servers write alike.
_KINDS = frozenset({*INTEGERS, "decimal", "string", "binary", "date", "timestamp"})


@dataclass(frozen=True)
class RowKey:
    """The primary key of a table that is in MySQL and in the warehouse.

    Attributes:
        table: The table.
        schema: Where its public table is in the warehouse.
        name: What it is called there.
        columns: Name and type of its columns, as the source spells them.
        deleted_at: The column of the public table that says since when a row is deleted, if such
            rows are to be left out.
    """

    table: TableName
    schema: str
    name: str
    columns: tuple[tuple[str, ColumnType], ...]
    deleted_at: str | None = None

    @property
    def copy(self) -> str:
        """Its public table, to follow FROM."""
        table = redshift_relation(self.schema, self.name)
        if self.deleted_at is None:
            return table
        return f"(SELECT * FROM {table} WHERE {live_sql(self.deleted_at)}) AS live"

    @property
    def number(self) -> str | None:
        """The key's column when it is a single integer, by whose ranges a table can be cut."""
        (name, kind), *more = self.columns
        return name if kind.kind in INTEGERS and not more else None

    def mysql(self) -> str:
        """Its text in MySQL."""
        texts = [mysql_text(mysql_name(name), kind) for name, kind in self.columns]
        if len(texts) == 1:
            return texts[0]
        return "concat(" + ", '/', ".join(map(_part, texts)) + ")"

    def redshift(self) -> str:
        """Its text in the warehouse; NULL when one of its columns is."""
        texts = [redshift_text(quote_redshift(fold(name)), kind) for name, kind in self.columns]
        return texts[0] if len(texts) == 1 else " || '/' || ".join(map(_part, texts))


def live_sql(deleted_at: str) -> str:
    """The condition of rows of a public table that are not deleted."""
    return f"{quote_redshift(fold(deleted_at))} IS NULL"


def row_key(newest: Manifest, schema: str, name: str, deleted_at: str | None = None) -> RowKey:
    """The key of a table, by its newest manifest.

    Args:
        newest: The manifest.
        schema: Where its public table is in the warehouse.
        name: What the table is called there.
        deleted_at: As `RowKey` has it.

    Raises:
        ConfigError: It has none, or one whose text the two servers do not write alike.
    """
    properties = newest.schema.get("properties", {})
    columns = tuple((name, from_json_schema(properties[name])) for name in newest.key_properties)
    if not columns:
        raise ConfigError(
            "it has no primary key, so deleted rows cannot be identified",
            table=newest.table,
            hint="exclude it",
        )
    for column, kind in columns:
        if kind.kind not in _KINDS:
            raise ConfigError(
                f"its key has the type {kind}, which MySQL and the warehouse format differently",
                table=newest.table,
                column=column,
                hint="exclude it",
            )
    return RowKey(newest.table, schema, name, columns, deleted_at)


def _part(text: str) -> str:
    return f"replace(replace({text}, '~', '~0'), '/', '~1')"


@dataclass(frozen=True)
class Window:
    """What has been read of a table: rows whose replication key is not beyond the bookmark.

    Attributes:
        column: The replication key.
        until: The bookmark, as a query binds it.
    """

    column: str
    until: str | int

    @classmethod
    def of(cls, reading: Reading) -> Window | None:
        """The window of a bookmark; None: the table is read whole each time, or was never read."""
        if reading.key is None or reading.value is None:
            return None
        return cls(reading.key, reading.value)


@dataclass(frozen=True)
class Slice:
    """A part of a table's keys that memory can hold.

    Attributes:
        mysql: Its condition in MySQL.
        redshift: The same in the warehouse.
        first: The number that it begins with; None: it begins with the table, or is not a range.
        last: The number before which it ends; None: it ends with the table, or is not a range.
    """

    mysql: str
    redshift: str
    first: int | None = None
    last: int | None = None


def ranges(key: RowKey, starts: Sequence[int]) -> list[Slice]:
    """Cuts a table whose key is a number.

    Args:
        key: The key.
        starts: Where slices begin, except for the first.
    """
    column = key.number or ""
    my, red = mysql_name(column), quote_redshift(fold(column))
    found = []
    for first, last in zip([None, *starts], [*starts, None], strict=True):
        bounds = [] if first is None else [f">= {first:d}"]
        bounds += [] if last is None else [f"< {last:d}"]
        mysql, redshift = (
            " AND ".join(f"{name} {bound}" for bound in bounds) for name in (my, red)
        )
        found.append(Slice(mysql, redshift, first, last))
    return found


def bucket(key: RowKey, number: int, of: int) -> Slice:
    """One of the parts into which a table with any other key is cut, by the hash of its keys."""
    return Slice(
        f"mod({mysql_number(key.mysql())}, {of:d}) = {number:d}",
        f"mod({redshift_number(key.redshift())}, {of:d}) = {number:d}",
    )


def _mysql_sums(key: RowKey) -> str:
    return f"count(*), coalesce(sum({mysql_number(key.mysql())}), 0)"


def _redshift_sums(key: RowKey) -> str:
    return f"count(*), coalesce(sum({redshift_number(key.redshift())}), 0)"


def mysql_summary_sql(key: RowKey, part: Slice) -> str:
    """How many keys a slice has, and the sum of their hashes."""
    return _select(_mysql_sums(key), _source(key), part.mysql)


def redshift_summary_sql(key: RowKey, part: Slice) -> str:
    """The same in the warehouse."""
    return _select(_redshift_sums(key), key.copy, part.redshift)


def mysql_buckets_sql(key: RowKey, of: int) -> str:
    """Of each bucket its number, how many keys it has, and the sum of their hashes."""
    number = f"mod({mysql_number(key.mysql())}, {of:d})"
    return _select(f"{number}, {_mysql_sums(key)}", _source(key), "") + " GROUP BY 1"


def redshift_buckets_sql(key: RowKey, of: int) -> str:
    """The same in the warehouse."""
    number = f"mod({redshift_number(key.redshift())}, {of:d})"
    return _select(f"{number}, {_redshift_sums(key)}", key.copy, "") + " GROUP BY 1"


def mysql_keys_sql(key: RowKey, part: Slice) -> str:
    """The keys of a slice."""
    return _select(key.mysql(), _source(key), part.mysql)


def mysql_window_sql(key: RowKey, part: Slice, window: Window) -> tuple[str, list[Any]]:
    """The keys of a slice within the window, with replication keys; and what the query binds."""
    name = mysql_name(window.column)
    where = " AND ".join(text for text in (part.mysql, f"{name} <= %s") if text)
    columns = f"{key.mysql()}, CAST({name} AS CHAR)"
    return _select(columns, _source(key), where), [window.until]


def redshift_keys_sql(key: RowKey, part: Slice) -> str:
    """The keys of a slice, in the warehouse."""
    return _select(key.redshift(), key.copy, part.redshift)


def mysql_starts_sql(key: RowKey, size: int) -> str:
    """The numbers at which slices of some size begin, but for the first."""
    return _starts(mysql_name(key.number or ""), _source(key), size)


def redshift_starts_sql(key: RowKey, size: int) -> str:
    """The same in the warehouse."""
    return _starts(quote_redshift(fold(key.number or "")), key.copy, size)


def _starts(column: str, table: str, size: int) -> str:
    numbered = f"SELECT {column} AS k, row_number() OVER (ORDER BY {column}) AS n FROM {table}"
    return f"SELECT k FROM ({numbered}) AS numbered WHERE n > 1 AND mod(n - 1, {size:d}) = 0"


def _select(columns: str, table: str, where: str) -> str:
    return f"SELECT {columns} FROM {table}" + (f" WHERE {where}" if where else "")


def mysql_count_sql(key: RowKey) -> str:
    """How many rows there are."""
    return _select("count(*)", _source(key), "")


def redshift_count_sql(key: RowKey) -> str:
    """The same in the warehouse."""
    return _select("count(*)", key.copy, "")


def _source(key: RowKey) -> str:
    return mysql_table(key.table)
