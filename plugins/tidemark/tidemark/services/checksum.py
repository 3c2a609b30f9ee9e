"""Checksums of a table by key range, from MySQL and from the warehouse: SQL and comparison. Pure.

A range is summed up column by column: count, number of NULLs, and for each kind of column what
both servers compute alike: sums of numbers, least and greatest values, hashes of texts. Of floats
and binary columns only the NULLs are counted: what differs there is found when keys are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tidemark_core.names import TableName, fold, quote_mysql, quote_redshift
from tidemark_core.types import ColumnType

_NUMBERS = frozenset({"int8", "int16", "int32", "int64", "decimal"})
_TIMES = frozenset({"timestamp", "date"})


@dataclass(frozen=True)
class Measure:
    """What is computed of a column.

    Attributes:
        column: As the source spells it.
        what: ``nulls``, ``sum``, ``hash``, ``min`` or ``max``.
        mysql: The expression in MySQL.
        redshift: The expression in the warehouse.
    """

    column: str
    what: str
    mysql: str
    redshift: str


def measures(columns: Mapping[str, ColumnType]) -> list[Measure]:
    """What is computed of each column.

    Args:
        columns: Types by name, as the manifest's schema has them.
    """
    found = []
    for column, kind in columns.items():
        my, red = quote_mysql(column), quote_redshift(fold(column))
        found.append(
            Measure(
                column,
                "nulls",
                f"coalesce(sum({my} IS NULL), 0)",
                f"coalesce(sum(CASE WHEN {red} IS NULL THEN 1 ELSE 0 END), 0)",
            )
        )
        if kind.kind in _NUMBERS:
            exact = f"sum(CAST({red} AS NUMERIC(38,{kind.scale or 0})))"
            found.append(Measure(column, "sum", f"sum({my})", exact))
        elif kind.kind in ("string", "json"):
            # The first 32 bits of each value's hash, added up; MySQL 9.6 and later have no MD5. NUL
            # bytes are removed by a load.
            text = f"replace(convert({my} USING utf8mb4), char(0), '')"
            found.append(
                Measure(
                    column,
                    "hash",
                    f"sum(CAST(conv(left(sha2({text}, 256), 8), 16, 10) AS UNSIGNED))",
                    f"sum(CAST(strtol(substring(sha2({red}, 256), 1, 8), 16) AS NUMERIC(38,0)))",
                )
            )
        if kind.kind in _NUMBERS | _TIMES:
            found += [Measure(column, f, f"{f}({my})", f"{f}({red})") for f in ("min", "max")]
    return found


def mysql_ranges_sql(table: TableName, key: str, bound: str | None) -> str:
    """The SQL of the keys at which ranges begin; values: the bookmark (if bounded) and the rows.

    Args:
        table: The table.
        key: Its primary key, one column.
        bound: The replication key, when rows beyond the bookmark are left out.
    """
    my = quote_mysql(key)
    where = f" WHERE {quote_mysql(bound)} <= %s" if bound else ""
    return (
        f"SELECT {my} FROM (SELECT {my}, row_number() OVER (ORDER BY {my}) AS n FROM "
        f"{quote_mysql(table.schema)}.{quote_mysql(table.table)}{where}) AS numbered "
        "WHERE (n - 1) %% %s = 0 ORDER BY 1"
    )


def mysql_sql(
    table: TableName, found: Sequence[Measure], key: str | None, bound: str | None, *, last: bool
) -> str:
    """The SQL of one range's checksum in MySQL; values: from, to (unless last), bookmark."""
    columns = ", ".join(measure.mysql for measure in found)
    where = _where(
        None if key is None else quote_mysql(key),
        None if bound is None else quote_mysql(bound),
        "%s",
        last=last,
    )
    name = f"{quote_mysql(table.schema)}.{quote_mysql(table.table)}"
    return f"SELECT count(*), {columns} FROM {name}{where}"


def redshift_sql(
    schema: str,
    table: TableName,
    found: Sequence[Measure],
    key: str | None,
    bound: str | None,
    *,
    last: bool,
    only: str | None = None,
) -> str:
    """The same in the warehouse; ``only``: a further condition, whose values come last."""
    columns = ", ".join(measure.redshift for measure in found)
    where = _where(
        None if key is None else quote_redshift(fold(key)),
        None if bound is None else quote_redshift(fold(bound)),
        "?",
        last=last,
        only=only,
    )
    name = f"{quote_redshift(schema)}.{quote_redshift(table.landing)}"
    return f"SELECT count(*), {columns} FROM {name}{where}"


def _where(
    key: str | None, bound: str | None, mark: str, *, last: bool, only: str | None = None
) -> str:
    parts = []
    if key is not None:
        parts.append(f"{key} >= {mark}")
        if not last:
            parts.append(f"{key} < {mark}")
    if bound is not None:
        parts.append(f"{bound} <= {mark}")
    if only is not None:
        parts.append(only)
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def differences(
    found: Sequence[Measure], source: Sequence[Any], copy: Sequence[Any]
) -> list[tuple[str, str, str, str]]:
    """What differs: column, measure, the source's value, the copy's.

    Args:
        found: The measures.
        source: A row of MySQL: the count, then the measures.
        copy: A row of the warehouse, likewise.
    """
    labels = [("*", "rows"), *((measure.column, measure.what) for measure in found)]
    return [
        (column, what, str(normal(left)), str(normal(right)))
        for (column, what), left, right in zip(labels, source, copy, strict=True)
        if normal(left) != normal(right)
    ]


def normal(value: Any) -> Any:
    """A value in the form in which both servers' answers compare."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value)).normalize()
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value
