"""The marks of rows that are gone from the source: the SQL of their table in the warehouse.

A mark says that the public table has a key that MySQL no longer had when it was looked for. Nothing
else changes: the row stays where it is, and its mark is removed when the key is back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tidemark_core.names import (
    DELETIONS_TABLE,
    LANDING_SCHEMA,
    TableName,
    landing_relation,
    quote_redshift,
)
from tidemark_core.redshift.connection import WarehouseConnection

from tidemark.services.compare.keys.row_keys import RowKey
from tidemark.services.lake.ledger import relation_exists

DELETIONS = landing_relation(DELETIONS_TABLE)
#: The keys that one command has found, in its own session.
_FOUND = quote_redshift("tidemark_found")
#: A MySQL key has 3,072 bytes at most; as hexadecimal digits, with separators, it still fits.
_KEY = "source_table VARCHAR(512), row_key VARCHAR(16384)"
_CREATE = (
    f"CREATE TABLE IF NOT EXISTS {DELETIONS} ({_KEY}, found_at TIMESTAMP, run_id VARCHAR(64)) "
    "DISTSTYLE EVEN COMPOUND SORTKEY (source_table)"
)
_STAGE = f"CREATE TEMP TABLE {_FOUND} ({_KEY}) DISTSTYLE EVEN"
_OF = "SELECT row_key FROM {} WHERE source_table = ?"
_MARKED, _SEEN = _OF.format(DELETIONS), _OF.format(_FOUND)
_NEW = f"{_SEEN} AND row_key NOT IN ({_MARKED})"
_OLD = f"{_MARKED} AND row_key NOT IN ({_SEEN})"
#: Redshift binds at most 32,767 values per statement.
_AT_ONCE = 1_000
SHOWN = 5


@dataclass(frozen=True)
class Marking:
    """What changes in the marks of a table.

    Attributes:
        table: ``schema.table``.
        rows: Rows of the public table.
        deleted: Keys that MySQL no longer has: the marks, once this is done.
        new: How many of them are not marked yet.
        back: Marks of keys that are in MySQL again, or no longer in the public table.
        first: The first keys that are new.
    """

    table: str
    rows: int
    deleted: int
    new: int
    back: int
    first: tuple[str, ...]


class Marks:
    """The marks, written by the user who owns landing.

    Args:
        warehouse: A session of its own: it holds what was found until that is written down.
    """

    def __init__(self, warehouse: WarehouseConnection) -> None:
        self._warehouse = warehouse
        self._exists = relation_exists(warehouse, LANDING_SCHEMA, DELETIONS_TABLE)
        self._execute(_STAGE)

    def found(self, table: TableName, keys: Sequence[str]) -> None:
        """Notes keys that are gone; nothing that others see changes."""
        for start in range(0, len(keys), _AT_ONCE):
            page = keys[start : start + _AT_ONCE]
            self._execute(
                f"INSERT INTO {_FOUND} VALUES {', '.join(['(?, ?)'] * len(page))}",
                [value for key in page for value in (str(table), key)],
                table,
            )

    def marking(self, table: TableName, rows: int) -> Marking:
        """What `write` would change of a table; ``rows`` are those of its public table."""
        deleted = self._count(_SEEN, table)
        # Without a table there is no mark yet.
        new = _NEW if self._exists else _SEEN
        first = self._execute(
            f"{new} ORDER BY len(row_key), row_key LIMIT {SHOWN}", self._names(new, table)
        )
        return Marking(
            str(table),
            rows,
            deleted,
            self._count(new, table),
            self._count(_OLD, table) if self._exists else 0,
            tuple(str(key) for (key,) in first),
        )

    def write(self, markings: Sequence[Marking], found_at: datetime, run_id: str) -> None:
        """Marks what is gone and unmarks what is not, in one transaction.

        A mark that is there already stays as it is, with the time at which it was made.

        Args:
            markings: The tables.
            found_at: When the source was read.
            run_id: The run that read it.

        Raises:
            WarehouseError: The warehouse refused; nothing has changed.
        """
        moment = found_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        self._execute(_CREATE)
        self._execute("BEGIN")
        # First of all: the snapshot then shows what others have committed before.
        self._execute(f"LOCK TABLE {DELETIONS}")
        for marking in markings:
            name = marking.table
            self._execute(
                f"DELETE FROM {DELETIONS} WHERE source_table = ? AND row_key NOT IN ({_SEEN})",
                [name, name],
            )
            self._execute(
                f"INSERT INTO {DELETIONS} SELECT source_table, row_key, CAST(? AS TIMESTAMP), "
                f"CAST(? AS VARCHAR(64)) FROM {_FOUND} WHERE source_table = ? "
                f"AND row_key NOT IN ({_MARKED})",
                [moment, run_id, name, name],
            )
        self._execute("COMMIT")

    def _count(self, query: str, table: TableName) -> int:
        ((number,),) = self._execute(
            f"SELECT count(*) FROM ({query}) AS found", self._names(query, table)
        )
        return int(str(number))

    def _names(self, query: str, table: TableName) -> list[str]:
        return [str(table)] * query.count("?")

    def _execute(
        self, sql: str, values: Sequence[object] = (), table: TableName | None = None
    ) -> list[tuple[object, ...]]:
        return self._warehouse.execute(sql, values, what="marking deleted rows", table=table)


def marked(warehouse: WarehouseConnection, table: TableName) -> int:
    """How many rows of a table are marked as deleted."""
    if not relation_exists(warehouse, LANDING_SCHEMA, DELETIONS_TABLE):
        return 0
    ((number,),) = warehouse.execute(
        f"SELECT count(*) FROM ({_MARKED}) AS marks", [str(table)], what="counting deleted rows"
    )
    return int(number)


def unmarked_sql(key: RowKey) -> str:
    """The condition of rows that have no mark; binds the table's name."""
    return f"({key.redshift()} IS NULL OR {key.redshift()} NOT IN ({_MARKED}))"
