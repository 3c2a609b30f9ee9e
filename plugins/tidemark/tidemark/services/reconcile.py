"""Looks for rows of the public tables that are gone from MySQL.

Both servers sum up the keys of a slice; only where they differ are keys fetched, and never more
than those of a slice are held. The public table is asked first and MySQL afterwards: what public
has was in MySQL before, so a key that MySQL does not have then is gone, whatever else has changed
in between, and no run needs to be kept away.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidemark_core.errors import ConfigError
from tidemark_core.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.warehouse import WarehouseConnection, connect, routed

from tidemark.connections import MySQL, open_mysql
from tidemark.project import Project
from tidemark.services.deletions import Marking, Marks
from tidemark.services.ledger import relation_exists
from tidemark.services.rowkeys import (
    PUBLIC,
    RowKey,
    Slice,
    bucket,
    mysql_buckets_sql,
    mysql_count_sql,
    mysql_keys_sql,
    mysql_starts_sql,
    mysql_summary_sql,
    ranges,
    redshift_buckets_sql,
    redshift_count_sql,
    redshift_keys_sql,
    redshift_starts_sql,
    redshift_summary_sql,
    row_key,
)
from tidemark.services.source import source_time, table_exists
from tidemark.services.verify import read_commits

SLICE_ROWS = 100_000
#: What stands for bytes that were no text: the key that the source has is another one.
_REPLACED = "\ufffd"


@dataclass(frozen=True)
class Looked:
    """What a look at some tables has shown.

    Attributes:
        markings: What would change, by table.
        left_out: Tables that could not be looked at, and why.
        at: When it began, by the source's clock.
    """

    markings: list[Marking]
    left_out: dict[str, str]
    at: datetime
    _marks: Marks

    def write(self, run_id: str) -> None:
        """Marks and unmarks.

        Raises:
            WarehouseError: The warehouse refused; nothing has changed.
        """
        self._marks.write(self.markings, self.at, run_id)


@contextmanager
def looked_at(project: Project, wanted: Iterable[TableName]) -> Iterator[Looked]:
    """Looks for rows that are gone; what was found can be written down until this ends.

    Args:
        project: Where we are.
        wanted: Tables; empty: every table of the lake, and those are left out that have no key,
            no public table, or are gone from MySQL.

    Raises:
        ConfigError: A table that was asked for cannot be looked at.
        TidemarkError: A server cannot be reached.
    """
    asked = list(wanted)
    commits = read_commits(project, asked)
    with (
        open_mysql(project.mysql_values) as mysql,
        routed(project.warehouse_values),  # one tunnel for both users
        connect(project.reader_values) as copy,
        connect(project.warehouse_values) as own,
    ):
        found = Looked([], {}, source_time(mysql), Marks(own))
        for table, history in commits.items():
            try:
                key = _key_of(history[-1], mysql, copy)
            except ConfigError as error:
                if asked:
                    raise
                found.left_out[str(table)] = error.message
                continue
            for keys in gone(key, mysql, copy):
                found._marks.found(table, keys)
            found.markings.append(found._marks.marking(table, public_rows(key, copy)))
        yield found


def _key_of(newest: Manifest, mysql: MySQL, copy: WarehouseConnection) -> RowKey:
    """The key of a table that both servers have.

    Raises:
        ConfigError: One of them does not have it, or it has no key that can be compared.
    """
    table = newest.table
    if not relation_exists(copy, PUBLIC, table.landing):
        raise ConfigError(
            "there is no public table of its name", table=table, hint="meltano run build"
        )
    if not table_exists(mysql, table):
        raise ConfigError(
            "MySQL does not have it, or DB_USER may not read it", table=table, hint="leave it out"
        )
    return row_key(newest)


def public_rows(key: RowKey, copy: WarehouseConnection) -> int:
    """How many rows the public table has."""
    ((rows,),) = copy.execute(redshift_count_sql(key), what="a count", table=key.table)
    return int(rows)


def gone(
    key: RowKey, mysql: MySQL, copy: WarehouseConnection, *, size: int = SLICE_ROWS
) -> Iterator[list[str]]:
    """The keys that the public table has and MySQL has no more, slice by slice.

    Args:
        key: The table's key.
        mysql: The source.
        copy: The warehouse, as a user who reads the public table.
        size: About so many keys are held at once.

    Raises:
        SourceError: MySQL cannot be asked.
        WarehouseError: The warehouse cannot be asked.
    """
    cut = _ranges if key.number else _buckets
    for part in cut(key, mysql, copy, size):
        left = {text for (text,) in _ask(key, copy, redshift_keys_sql(key, part))}
        left -= {text for (text,) in mysql.rows(mysql_keys_sql(key, part))}
        if found := sorted(str(text) for text in left if text is not None):
            yield [text for text in found if _REPLACED not in text]


def _ranges(key: RowKey, mysql: MySQL, copy: WarehouseConnection, size: int) -> Iterator[Slice]:
    """The ranges in which the keys differ. Each side's starts are there: neither has more rows."""
    starts = {int(start) for (start,) in _ask(key, copy, redshift_starts_sql(key, size))}
    starts |= {int(start) for (start,) in mysql.rows(mysql_starts_sql(key, size))}
    for part in ranges(key, sorted(starts)):
        (copied,) = _ask(key, copy, redshift_summary_sql(key, part))
        if _numbers(copied) != _numbers(mysql.row(mysql_summary_sql(key, part))):
            yield part


def _buckets(key: RowKey, mysql: MySQL, copy: WarehouseConnection, size: int) -> Iterator[Slice]:
    """The buckets in which the keys differ."""
    most = max(public_rows(key, copy), mysql.number(mysql_count_sql(key)))
    of = max(1, math.ceil(most / size))
    copied = _ask(key, copy, redshift_buckets_sql(key, of))
    source = {_numbers(row) for row in mysql.rows(mysql_buckets_sql(key, of))}
    for row in copied:
        # A key that has become NULL on its way is in none.
        if row[0] is not None and _numbers(row) not in source:
            yield bucket(key, int(row[0]), of)


def _ask(key: RowKey, copy: WarehouseConnection, query: str) -> list[tuple[Any, ...]]:
    return copy.execute(query, what="looking for deleted rows", table=key.table)


def _numbers(row: Sequence[Any]) -> tuple[int, ...]:
    return tuple(map(int, row))
