"""The keys that only one of MySQL and a public table has.

Both servers sum up the keys of a slice. Only where the sums differ are keys fetched, and never more
than one slice's are held. The public table is asked first and MySQL afterwards: what public has was
in MySQL before, so a key that MySQL then lacks is gone, whatever else has changed in between, and
runs need not be kept from starting.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidemark_core.redshift.connection import WarehouseConnection

from tidemark.services.compare.keys.row_keys import (
    RowKey,
    Slice,
    Window,
    bucket,
    mysql_buckets_sql,
    mysql_count_sql,
    mysql_keys_sql,
    mysql_starts_sql,
    mysql_summary_sql,
    mysql_window_sql,
    ranges,
    redshift_buckets_sql,
    redshift_count_sql,
    redshift_keys_sql,
    redshift_starts_sql,
    redshift_summary_sql,
)
from tidemark.source.mysql import MySQL

SLICE_ROWS = 100_000
#: Replaces bytes that were not text: the key that the source has is a different one.
_REPLACED = "\ufffd"


@dataclass(frozen=True)
class Keys:
    """Findings in a slice.

    Attributes:
        gone: Keys that the public table has and MySQL no longer has.
        late: Keys that MySQL has within the window and the public table has not, with their
            replication keys.
    """

    gone: list[str]
    late: Mapping[str, str]


def differing(
    key: RowKey,
    mysql: MySQL,
    copy: WarehouseConnection,
    window: Window | None = None,
    *,
    size: int = SLICE_ROWS,
) -> Iterator[Keys]:
    """The keys that only one side has, slice by slice.

    Args:
        key: The table's key.
        mysql: The source.
        copy: The warehouse, as a user who reads the public table.
        window: What has been read of the source; None if it is unknown what is late.
        size: About so many keys are held at once.

    Raises:
        SourceError: MySQL cannot be asked.
        WarehouseError: The warehouse cannot be asked.
    """
    cut = _ranges if key.number else _buckets
    for part in cut(key, mysql, copy, size):
        copied = {text for (text,) in _ask(key, copy, redshift_keys_sql(key, part))}
        source = {text for (text,) in mysql.rows(mysql_keys_sql(key, part))}
        gone = sorted(str(text) for text in copied - source if text is not None)
        read = mysql.rows(*mysql_window_sql(key, part, window)) if window else []
        late = {str(text): str(mark) for text, mark in read if text not in copied}
        if gone or late:
            yield Keys([text for text in gone if _REPLACED not in text], late)


def public_rows(key: RowKey, copy: WarehouseConnection) -> int:
    """How many rows the public table has."""
    ((rows,),) = copy.execute(redshift_count_sql(key), what="a row count", table=key.table)
    return int(rows)


def _ranges(key: RowKey, mysql: MySQL, copy: WarehouseConnection, size: int) -> Iterator[Slice]:
    """The ranges in which keys differ. Cut at both sides' starts, so that none exceeds ``size``."""
    starts = {int(start) for (start,) in _ask(key, copy, redshift_starts_sql(key, size))}
    starts |= {int(start) for (start,) in mysql.rows(mysql_starts_sql(key, size))}
    for part in ranges(key, sorted(starts)):
        (copied,) = _ask(key, copy, redshift_summary_sql(key, part))
        if _numbers(copied) != _numbers(mysql.row(mysql_summary_sql(key, part))):
            yield part


def _buckets(key: RowKey, mysql: MySQL, copy: WarehouseConnection, size: int) -> Iterator[Slice]:
    """The buckets in which the keys differ; a key that is NULL, as a zero date is, is in none."""
    most = max(public_rows(key, copy), mysql.number(mysql_count_sql(key)))
    of = max(1, math.ceil(most / size))
    copied = _by_number(_ask(key, copy, redshift_buckets_sql(key, of)))
    source = _by_number(mysql.rows(mysql_buckets_sql(key, of)))
    for number in sorted(copied.keys() | source.keys()):
        if copied.get(number) != source.get(number):
            yield bucket(key, number, of)


def _by_number(rows: Sequence[Sequence[Any]]) -> dict[int, tuple[int, ...]]:
    return {int(row[0]): _numbers(row[1:]) for row in rows if row[0] is not None}


def _ask(key: RowKey, copy: WarehouseConnection, query: str) -> list[tuple[Any, ...]]:
    return copy.execute(query, what="comparing keys", table=key.table)


def _numbers(row: Sequence[Any]) -> tuple[int, ...]:
    return tuple(map(int, row))
