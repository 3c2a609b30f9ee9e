"""verify --checksum: every row of a table in MySQL against its copy, slice by slice.

The copy is asked first and MySQL afterwards: what the copy has was in MySQL before, so what changes
meanwhile is either beyond the bookmark, or a difference.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tidemark_core.redshift.connection import WarehouseConnection

from tidemark.services.compare.content.comparison import Comparison, Difference, Rows, by_value
from tidemark.services.compare.keys.row_keys import (
    RowKey,
    Slice,
    bucket,
    mysql_starts_sql,
    ranges,
)
from tidemark.services.compare.row_text import Column
from tidemark.source.mysql import MySQL

RANGE_ROWS = 100_000
#: Most keys that are named; the rest are counted.
_NAMED = 5


def compare(
    what: Comparison,
    mysql: MySQL,
    warehouse: WarehouseConnection,
    *,
    size: int = RANGE_ROWS,
) -> list[Difference]:
    """Compares a table's rows with a copy of them.

    Args:
        what: What is compared.
        mysql: The source.
        warehouse: Where the copy is.
        size: About so many rows are held at once.

    Raises:
        SourceError: MySQL cannot be asked.
        WarehouseError: The warehouse cannot be asked.
    """
    pair = _Pair(what, mysql, warehouse)
    if what.key is None:
        found = pair.whole()
        return [] if found is None else [found]
    slices = pair.slices(what.key, _rows_at_once(what, size))
    return [pair.difference(part, rows) for part, rows in slices if pair.differs(rows)]


def differing_rows(
    what: Comparison,
    key: RowKey,
    mysql: MySQL,
    warehouse: WarehouseConnection,
    *,
    size: int = RANGE_ROWS,
) -> Iterator[tuple[Slice, Rows]]:
    """The rows that differ, slice by slice, of a table with a key.

    Args:
        what: What is compared.
        key: Its key.
        mysql: The source.
        warehouse: Where the copy is.
        size: About so many rows are held at once.

    Raises:
        SourceError: MySQL cannot be asked.
        WarehouseError: The warehouse cannot be asked.
    """
    yield from _Pair(what, mysql, warehouse).slices(key, _rows_at_once(what, size))


def _rows_at_once(what: Comparison, size: int) -> int:
    """Fewer where documents are fetched, which are longer than a hash."""
    return size // 10 if any(column.held for column in what.columns) else size


@dataclass(frozen=True)
class _Pair:
    """Both servers, asked the same."""

    what: Comparison
    mysql: MySQL
    warehouse: WarehouseConnection

    def _copied(self, query: tuple[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
        return self.warehouse.execute(*query, what="a checksum", table=self.what.table)

    @property
    def _fetched(self) -> list[Column]:
        """Columns for which each row must be fetched: the servers do not hash them alike."""
        return [column for column in self.what.columns if column.is_fetched]

    def whole(self) -> Difference | None:
        """Compares the rows of a table without a key as a whole."""
        what = self.what
        ((*copied,),) = self._copied(what.target.sums())
        if _numbers(copied) == _numbers(self.mysql.row(*what.source.sums())):
            return None
        return Difference(str(what.table), what.copy, columns=self._columns(None))

    def ranges(self, size: int) -> Iterator[Slice]:
        """The ranges of a table whose key is a number, in which something may differ."""
        assert self.what.key is not None  # noqa: S101 - asked for tables with a key only
        starts = [int(start) for (start,) in self.mysql.rows(mysql_starts_sql(self.what.key, size))]
        for part in ranges(self.what.key, sorted(starts)):
            (copied,) = self._copied(self.what.target.sums(part.redshift))
            source = self.mysql.row(*self.what.source.sums(part.mysql))
            if self._fetched or _numbers(copied) != _numbers(source):
                yield part

    def buckets(self, size: int) -> Iterator[Slice]:
        """The parts of a table with any other key in which something may differ."""
        assert self.what.key is not None  # noqa: S101 - as above
        (copied,) = self._copied(self.what.target.sums())
        source = self.mysql.row(*self.what.source.sums())
        if not self._fetched and _numbers(copied) == _numbers(source):
            return
        of = max(1, math.ceil(max(int(copied[0]), int(source[0])) / size))
        theirs = {row[0]: _numbers(row[1:]) for row in self._copied(self.what.target.buckets(of))}
        ours = {row[0]: _numbers(row[1:]) for row in self.mysql.rows(*self.what.source.buckets(of))}
        for number in sorted(n for n in theirs.keys() | ours.keys() if n is not None):
            if self._fetched or theirs.get(number) != ours.get(number):
                yield bucket(self.what.key, int(number), of)

    def slices(self, key: RowKey, size: int) -> Iterator[tuple[Slice, Rows]]:
        """The slices in which something may differ, each with its rows that do."""
        for part in self.ranges(size) if key.number else self.buckets(size):
            yield part, self.look(part)

    def look(self, part: Slice) -> Rows:
        """The rows of a slice that differ, without those that have changed since the bookmark."""
        copied, source = self.what.target.rows(part.redshift), self.what.source.rows(part.mysql)
        theirs, _ = _grouped(
            self._copied(copied), [column.copied_meaning for column in self._fetched]
        )
        ours, moved = _grouped(
            self.mysql.rows(*source), [column.source_meaning for column in self._fetched]
        )
        found = Rows()
        for key in (ours.keys() | theirs.keys()) - moved:
            left, right = ours.get(key, []), theirs.get(key, [])
            values = [row[:2] for row in left], [row[:2] for row in right]
            if values[0] == values[1] and len(left) == 1:
                continue
            kind = found.changed if left and right else found.missing if left else found.extra
            kind.append(str(key))
            found.marks += [row[2] for row in left if row[2] is not None]
            if left and right:
                found.back += _went_back(left[0][2], right[0][2])
                found.fetched |= self._differing(left[0][1], right[0][1])
        return found

    def _differing(self, ours: tuple[str, ...], theirs: tuple[str, ...]) -> set[str]:
        names = [column.name for column in self._fetched]
        pairs = zip(names, ours, theirs, strict=True)
        return {name for name, left, right in pairs if left != right}

    def differs(self, rows: Rows) -> bool:
        """Whether what was found is a difference."""
        return bool(rows.missing or rows.changed or (rows.extra and self.what.integral))

    def difference(self, part: Slice, rows: Rows) -> Difference:
        """What is reported of a slice."""
        changed = _ordered(rows.changed)[:_NAMED]
        keys = _ordered([*rows.missing, *rows.changed, *(rows.extra if self.what.integral else [])])
        return Difference(
            str(self.what.table),
            self.what.copy,
            None if part.first is None else str(part.first),
            None if part.last is None else str(part.last),
            (*self._columns_of(changed), *sorted(rows.fetched)),
            tuple(keys[:_NAMED]),
            len(rows.missing),
            len(rows.extra) if self.what.integral else 0,
            len(rows.changed),
            min(rows.marks, key=by_value, default=None),
            rows.back,
        )

    def _columns_of(self, keys: list[str]) -> tuple[str, ...]:
        """The columns that differ in rows of some keys: one by one, for rows may swap values."""
        found = {name for key in keys for name in self._columns([key])}
        return tuple(column.name for column in self.what.columns if column.name in found)

    def _columns(self, keys: list[str] | None) -> tuple[str, ...]:
        """The columns that differ, in some rows or in all; fetched ones are left out."""
        plain = [column.name for column in self.what.columns if not column.is_fetched]
        if not plain:
            return ()
        (copied,) = self._copied(self.what.target.columns(keys))
        source = self.mysql.row(*self.what.source.columns(keys))
        return tuple(
            name
            for name, left, right in zip(plain, _numbers(source), _numbers(copied), strict=True)
            if left != right
        )


def _grouped(
    rows: list[tuple[Any, ...]], meanings: Sequence[Callable[[Any], str]]
) -> tuple[dict[Any, list[tuple[int, tuple[str, ...], str | None]]], set[Any]]:
    """Hash, values and replication key of each key's rows; and the keys beyond the bookmark.

    Args:
        rows: As `Side.rows` selects them.
        meanings: What gives each of the values the form in which it is compared.
    """
    found: dict[Any, list[tuple[int, tuple[str, ...], str | None]]] = defaultdict(list)
    moved = set()
    for key, row, beyond, mark, *fetched in rows:
        text = None if mark is None else str(mark)
        values = tuple(meaning(v) for meaning, v in zip(meanings, fetched, strict=True))
        found[key].append((int(row), values, text))
        if int(beyond):
            moved.add(key)
    return found, moved


def _numbers(row: Sequence[Any]) -> tuple[int, ...]:
    return tuple(map(int, row))


def _went_back(source: str | None, copied: str | None) -> bool:
    """Whether a replication key, as text, is less than the copy's; this may lack trailing zeros."""
    if source is None or copied is None:
        return source is None and copied is not None
    ours, theirs = (text.rstrip("0").rstrip(".") if ":" in text else text
                    for text in (source, copied))  # fmt: skip
    return by_value(ours) < by_value(theirs)


def _ordered(keys: Sequence[str]) -> list[str]:
    return sorted(keys, key=by_value)
