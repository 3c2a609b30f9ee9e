"""verify --checksum in SQL: hashes of a table's rows, alike in MySQL and in the warehouse. Pure.

The hashes of the rows of a slice are summed up. Where the sums differ, key and hash of each row are
fetched; where rows differ, sums of each column's hashes show which columns do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tidemark_core.names import (
    DELETED_AT,
    EXTRACTED_AT,
    METADATA_COLUMNS,
    TableName,
    fold,
    quote_redshift,
)

from tidemark.services.compare.keys.row_keys import RowKey
from tidemark.services.compare.row_text import (
    Column,
    mysql_number,
    mysql_part,
    mysql_row,
    redshift_number,
    redshift_part,
    redshift_row,
)
from tidemark.source.quoting import mysql_name, mysql_table

_NO_TEXT = "''"


@dataclass(frozen=True)
class Side:
    """One of the two servers: the SQL of which its queries are made.

    Attributes:
        table: What follows FROM.
        row: The hash of a row, as a number.
        key: The text of its key; ``NULL`` without one.
        bucket: The hash of its key, as a number.
        parts: The hash of each column's value, as a number.
        fetched: Columns whose values are fetched, row by row.
        beyond: Whether a row is beyond the bookmark, and its replication key; else constants.
        where: Conditions that sums are bounded by, and the values that they bind.
        only: Conditions of every query, and their values.
        mark: The placeholder of a value.
    """

    table: str
    row: str
    key: str
    bucket: str
    parts: tuple[str, ...]
    fetched: tuple[str, ...]
    beyond: tuple[str, tuple[Any, ...]]
    where: tuple[str, tuple[Any, ...]]
    only: tuple[str, tuple[Any, ...]]
    mark: str

    def sums(self, part: str = "") -> tuple[str, list[Any]]:
        """Selects the number of rows of a slice, and the sum of their hashes."""
        return self._select(f"count(*), {_sum(self.row)}", part, bounded=True)

    def buckets(self, of: int) -> tuple[str, list[Any]]:
        """Selects each bucket's number, its number of rows, and the sum of their hashes."""
        number = f"mod({self.bucket}, {of:d})"
        query, values = self._select(f"{number}, count(*), {_sum(self.row)}", "", bounded=True)
        return f"{query} GROUP BY 1", values

    def rows(self, part: str = "") -> tuple[str, list[Any]]:
        """Selects each row's key, hash, whether beyond the bookmark, replication key, values."""
        beyond, values = self.beyond
        columns = ", ".join([self.key, self.row, beyond, *self.fetched])
        query, more = self._select(columns, part, bounded=False)
        return query, [*values, *more]

    def columns(self, keys: Sequence[str] | None) -> tuple[str, list[Any]]:
        """Selects the sum of each column's hashes, over some keys or over all rows."""
        names = ", ".join(map(_sum, self.parts))
        if keys is None:
            return self._select(names, "", bounded=True)
        query, values = self._select(
            names, f"{self.key} IN ({', '.join([self.mark] * len(keys))})", bounded=False
        )
        return query, [*keys, *values]

    def _select(self, columns: str, part: str, *, bounded: bool) -> tuple[str, list[Any]]:
        conditions = [(part, ()), *([self.where] if bounded else []), self.only]
        said = [(text, values) for text, values in conditions if text]
        where = f" WHERE {' AND '.join(text for text, _ in said)}" if said else ""
        query = f"SELECT {columns} FROM {self.table}{where}"
        return query, [value for _, values in said for value in values]


def _sum(number: str) -> str:
    return f"coalesce(sum({number}), 0)"


def mysql_side(
    table: TableName, columns: Sequence[Column], key: RowKey | None, bound: str | None, mark: Any
) -> Side:
    """The source.

    Args:
        table: The table.
        columns: What is compared.
        key: Its key.
        bound: Its replication key; None: it is compared whole.
        mark: The bookmark.
    """
    plain = [column for column in columns if not column.is_fetched]
    text = _NO_TEXT if key is None else key.mysql()
    name = "" if bound is None else mysql_name(bound)
    return Side(
        table=mysql_table(table),
        row=mysql_number(mysql_row(plain) if plain else _NO_TEXT),
        key="NULL" if key is None else text,
        bucket=mysql_number(text),
        parts=tuple(mysql_number(mysql_part(column)) for column in plain),
        fetched=tuple(column.fetched_from_mysql() for column in columns if column.is_fetched),
        beyond=(f"coalesce({name} > %s, 0), CAST({name} AS CHAR)", (mark,)) if bound
        else ("0, NULL", ()),
        where=(f"({name} <= %s OR {name} IS NULL)", (mark,)) if bound else ("", ()),
        only=("", ()),
        mark="%s",
    )  # fmt: skip


def redshift_side(
    relation: str,
    columns: Sequence[Column],
    key: RowKey | None,
    bound: str | None,
    mark: Any,
    only: tuple[str, tuple[Any, ...]] = ("", ()),
) -> Side:
    """The copy.

    Args:
        relation: What follows FROM.
        columns: What is compared.
        key: Its key.
        bound: The replication key, if the copy has it.
        mark: The bookmark.
        only: A condition of its rows, and what it binds.
    """
    plain = [column for column in columns if not column.is_fetched]
    text = _NO_TEXT if key is None else key.redshift()
    name = "" if bound is None else quote_redshift(fold(bound))
    return Side(
        table=relation,
        row=redshift_number(redshift_row(plain) if plain else _NO_TEXT),
        key="NULL" if key is None else text,
        bucket=redshift_number(text),
        parts=tuple(redshift_number(redshift_part(column)) for column in plain),
        fetched=tuple(column.copied for column in columns if column.is_fetched),
        beyond=(f"0, CAST({name} AS VARCHAR)", ()) if bound else ("0, NULL", ()),
        where=(f"({name} <= ? OR {name} IS NULL)", (mark,)) if bound else ("", ()),
        only=only,
        mark="?",
    )


def newest_sql(landing: str, has: frozenset[str], key: RowKey | None, bound: str | None) -> str:
    """The newest version of each row that landed, as dbt chooses it, to follow FROM.

    Args:
        landing: The landing table.
        has: Its columns.
        key: The table's key; None: the rows of the newest extraction.
        bound: Its replication key.
    """
    if key is None:
        return (
            f"(SELECT * FROM {landing} WHERE {EXTRACTED_AT} = "
            f"(SELECT max({EXTRACTED_AT}) FROM {landing})) AS newest"
        )
    order = [fold(bound)] if bound else []
    order += METADATA_COLUMNS
    by = ", ".join(
        f"{quote_redshift(name)} DESC NULLS LAST"
        for name in order
        if name in has and name != DELETED_AT
    )
    keys = ", ".join(quote_redshift(fold(name)) for name, _ in key.columns)
    alive = f" AND {DELETED_AT} IS NULL" if DELETED_AT in has else ""
    return (
        f"(SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY {by}) "
        f"AS tidemark_version FROM {landing}) AS versions WHERE tidemark_version = 1{alive}) "
        "AS newest"
    )
