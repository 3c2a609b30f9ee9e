"""verify --checksum: every range of a table in MySQL against the same range in the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidemark_core.errors import ConfigError
from tidemark_core.manifest import Manifest
from tidemark_core.names import TableName, fold, quote_mysql, quote_redshift
from tidemark_core.types import ColumnType
from tidemark_core.types_json import from_json_schema
from tidemark_core.warehouse import WarehouseConnection

from tidemark.connections import MySQL
from tidemark.services.checksum import (
    Measure,
    differences,
    measures,
    mysql_ranges_sql,
    mysql_sql,
    normal,
    redshift_sql,
)
from tidemark.services.deletions import unmarked_sql
from tidemark.services.rowkeys import PUBLIC, row_key
from tidemark.services.source import column_type, quoted

RANGE_ROWS = 100_000
#: So many ranges and keys are named; the rest is counted.
_NAMED = 5
_ORDERED = frozenset({"int8", "int16", "int32", "int64"})


@dataclass(frozen=True)
class Difference:
    """A range that differs.

    Attributes:
        table: ``schema.table``.
        first: Its first key; None: the whole table.
        last: Where the next range begins; None: the table's end.
        columns: What differs: ``column measure: MySQL's value, public's value``.
        keys: The first keys whose rows differ.
    """

    table: str
    first: str | None
    last: str | None
    columns: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What is compared, of one table.

    Attributes:
        table: The table.
        columns: Types by name.
        key: The primary key when it is one integer column; None: no ranges.
        bound: The replication key; rows beyond the bookmark are left out on both sides.
        bookmark: Its value.
        unmarked: The condition of public rows that are not marked as deleted, which binds the
            table's name; None: no row is.
    """

    table: TableName
    columns: dict[str, ColumnType]
    key: str | None
    bound: str | None
    bookmark: Any
    unmarked: str | None = None

    @property
    def names(self) -> list[str]:
        """What ``unmarked`` binds."""
        return [] if self.unmarked is None else [str(self.table)]


def comparison(
    newest: Manifest, bookmark: Mapping[str, Any], *, has_marks: bool = False
) -> Comparison:
    """What to compare, by the newest manifest of a table and its bookmark. Pure.

    Args:
        newest: The manifest.
        bookmark: The bookmark.
        has_marks: Whether rows are marked as deleted; they are left out.
    """
    columns = {
        name: from_json_schema(schema)
        for name, schema in newest.schema.get("properties", {}).items()
    }
    keys = newest.key_properties
    single = keys[0] if len(keys) == 1 and columns.get(keys[0]) else None
    ordered = single is not None and columns[single].kind in _ORDERED
    bound = bookmark.get("replication_key")
    value = bookmark.get("replication_key_value")
    if isinstance(value, str):
        value = value.replace("T", " ")
    if value is None:
        bound = None
    unmarked = unmarked_sql(row_key(newest)) if has_marks else None
    return Comparison(newest.table, columns, single if ordered else None, bound, value, unmarked)


def compare(
    what: Comparison,
    mysql: MySQL,
    warehouse: WarehouseConnection,
    *,
    range_rows: int = RANGE_ROWS,
) -> list[Difference]:
    """Compares a table range by range.

    A row that has changed since the bookmark is beyond it in MySQL and may be within it, in its
    older version, in the warehouse; so keys of rows that MySQL has beyond the bookmark are taken
    out of a range before it is called different.

    Raises:
        ConfigError: A column is gone from the source.
    """
    for column in what.columns:
        if not column_type(mysql, what.table, column):
            raise ConfigError(
                "the source no longer has this column", table=what.table, column=column,
                hint="run a backup, then verify again",
            )  # fmt: skip
    found = measures(what.columns)
    bounded = [] if what.bound is None else [what.bookmark]
    starts: list[Any] = [None]
    if what.key is not None:
        rows = mysql.rows(
            mysql_ranges_sql(what.table, what.key, what.bound), [*bounded, range_rows]
        )
        # From the very beginning, so that keys that only the copy has are seen too.
        starts = [-(2**63), *(start for (start,) in rows[1:])]
    differ = []
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else None
        difference = _compare_range(what, found, mysql, warehouse, start, end)
        if difference is not None:
            differ.append(difference)
    return differ


def _compare_range(
    what: Comparison,
    found: Sequence[Measure],
    mysql: MySQL,
    warehouse: WarehouseConnection,
    start: Any,
    end: Any,
) -> Difference | None:
    key, last = what.key, end is None
    values = [] if key is None else [start] if last else [start, end]
    bounded = [] if what.bound is None else [what.bookmark]
    source = mysql.rows(
        mysql_sql(what.table, found, key, what.bound, last=last), [*values, *bounded]
    )[0]
    copy = warehouse.execute(
        redshift_sql(PUBLIC, what.table, found, key, what.bound, last=last, only=what.unmarked),
        [*values, *bounded, *what.names],
        what="a checksum",
        table=what.table,
    )[0]
    wrong = differences(found, source, copy)
    if not wrong:
        return None
    keys: list[str] = []
    if key is not None:
        keys = _differing_keys(what, mysql, warehouse, start, end)
        if not keys:
            return None  # what differs has changed in the source since the bookmark
    text = tuple(f"{column} {m}: MySQL {a}, public {b}" for column, m, a, b in wrong)
    first = None if key is None or start == -(2**63) else str(start)
    return Difference(
        str(what.table), first, None if last else str(end), text, tuple(keys[:_NAMED])
    )


def _differing_keys(
    what: Comparison, mysql: MySQL, warehouse: WarehouseConnection, start: Any, end: Any
) -> list[str]:
    """The keys of a range whose rows differ, those left out that changed since the bookmark."""
    assert what.key is not None  # noqa: S101 - asked for ranges only
    names = list(what.columns)
    where = "{key} >= {mark}" + ("" if end is None else " AND {key} < {mark}")
    values = [start] if end is None else [start, end]
    ours = {
        row[0]: row[1:]
        for row in mysql.rows(
            f"SELECT {_columns(what, quote_mysql)} FROM {quoted(what.table)} WHERE "
            + where.format(key=quote_mysql(what.key), mark="%s"),
            values,
        )
    }
    copy = f"{quote_redshift(PUBLIC)}.{quote_redshift(what.table.landing)}"
    folded = _columns(what, lambda name: quote_redshift(fold(name)))
    theirs = {
        row[0]: row[1:]
        for row in warehouse.execute(
            f"SELECT {folded} FROM {copy} WHERE "
            + where.format(key=quote_redshift(fold(what.key)), mark="?")
            + (f" AND {what.unmarked}" if what.unmarked else ""),
            [*values, *what.names],
            what="looking for the keys that differ",
            table=what.table,
        )
    }
    position = None if what.bound is None else names.index(what.bound)
    return [
        str(key)
        for key in sorted(ours.keys() | theirs.keys())
        if not _agrees(ours.get(key), theirs.get(key), position, what.bookmark)
    ]


def _columns(what: Comparison, write: Callable[[str], str]) -> str:
    """The key, then every column."""
    return ", ".join(write(name) for name in [what.key or "", *what.columns])


def _agrees(
    ours: Sequence[Any] | None, theirs: Sequence[Any] | None, position: int | None, mark: Any
) -> bool:
    """Whether a row is the same in both, or has changed in the source since the bookmark."""
    if ours is not None and position is not None:
        value = ours[position]
        beyond = normal(value) > normal(_as_normal(mark)) if value is not None else False
        if beyond:
            return True
    if ours is None or theirs is None:
        return False
    return [_row(value) for value in ours] == [_row(value) for value in theirs]


def _as_normal(mark: Any) -> Any:
    """The bookmark in the form of a value: text of a time becomes the time's own text."""
    return mark.replace(" ", "T").ljust(26, "0") if isinstance(mark, str) else mark


def _row(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else normal(value)
