"""The values of keys whose texts are known; the text of several columns is not a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tidemark_core.names import fold, quote_redshift
from tidemark_core.redshift.connection import WarehouseConnection
from tidemark_core.types.column_type import ColumnType

from tidemark.services.compare.keys.row_keys import RowKey, Slice
from tidemark.source.mysql import MySQL
from tidemark.source.quoting import mysql_name, mysql_table

#: Redshift binds at most 32,767 values per statement.
_AT_ONCE = 1_000


def copied_keys(
    copy: WarehouseConnection, key: RowKey, texts: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """The values of keys that the public table has, each of its own type.

    Args:
        copy: The warehouse, as a user who reads the public table.
        key: The table's key.
        texts: The keys.

    Raises:
        WarehouseError: The warehouse cannot be asked.
    """
    columns = ", ".join(_readable(name, kind) for name, kind in key.columns)
    for page in _pages(texts):
        marks = ", ".join("?" * len(page))
        query = f"SELECT {columns} FROM {key.copy} WHERE {key.redshift()} IN ({marks})"
        for row in copy.execute(query, page, what="reading keys", table=key.table):
            kinds = (kind for _, kind in key.columns)
            yield tuple(_value(v, kind) for v, kind in zip(row, kinds, strict=True))


def source_keys(
    mysql: MySQL, key: RowKey, part: Slice, texts: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """The values of keys that MySQL has, as its driver gives them.

    Args:
        mysql: The source.
        key: The table's key.
        part: The slice that they are in.
        texts: The keys.

    Raises:
        SourceError: MySQL cannot be asked.
    """
    columns = ", ".join(mysql_name(name) for name, _ in key.columns)
    within = f"{part.mysql} AND " if part.mysql else ""
    for page in _pages(texts):
        where = f"{within}{key.mysql()} IN ({', '.join(['%s'] * len(page))})"
        yield from mysql.rows(f"SELECT {columns} FROM {mysql_table(key.table)} WHERE {where}", page)


def _pages(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _AT_ONCE):
        yield texts[start : start + _AT_ONCE]


def _readable(name: str, kind: ColumnType) -> str:
    """A column as the driver can read it: it decodes VARBYTE as UTF-8, which few values are."""
    quoted = quote_redshift(fold(name))
    return f"TO_HEX({quoted})" if kind.kind == "binary" else quoted


def _value(value: Any, kind: ColumnType) -> Any:
    return bytes.fromhex(value) if kind.kind == "binary" else value
