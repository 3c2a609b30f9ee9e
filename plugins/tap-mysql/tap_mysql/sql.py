"""SQL text, made by pure functions: identifiers quoted, values typed literals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tidemark_core.names import TableName, quote_mysql

from tap_mysql.columns import FLAG, Plan
from tap_mysql.keys import KeyValue, literal

Key = tuple[KeyValue, ...]


def table_sql(name: TableName) -> str:
    return f"{quote_mysql(name.schema)}.{quote_mysql(name.table)}"


@dataclass(frozen=True)
class Range:
    """Rows of a table, in an order in which the read can be gone on with.

    Attributes:
        table: The table.
        where: Conditions that all rows of the range fulfil.
        order: Columns of the order; together unique, never NULL. Empty: no order, no going on.
        after: Key after which the range starts, exclusive; None: at the first row.
        until: Key at which it ends, inclusive; None: at the last row.
    """

    table: TableName
    where: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    after: Key | None = None
    until: Key | None = None

    def past(self, key: Key) -> Range:
        """What is left of the range once the row with ``key`` has been read."""
        return replace(self, after=key)


def conditions(selected: Range) -> list[str]:
    found = [f"({condition})" for condition in selected.where]
    if selected.after is not None:
        found.append(beyond(selected.order, selected.after))
    if selected.until is not None:
        found.append(up_to(selected.order, selected.until))
    return found


def where_clause(selected: Range) -> str:
    found = conditions(selected)
    return f" WHERE {' AND '.join(found)}" if found else ""


def order_clause(selected: Range) -> str:
    """The table's own columns: an unqualified name would mean the expression that bears it.

    ``CAST(k AS CHAR) AS k … ORDER BY k`` is in the order of texts, in which the read cannot be gone
    on with behind a number.
    """
    table = quote_mysql(selected.table.table)
    columns = ", ".join(f"{table}.{quote_mysql(name)}" for name in selected.order)
    return f" ORDER BY {columns}" if columns else ""


def beyond(columns: Sequence[str], key: Key) -> str:
    """Rows after a key in the columns' order.

    Spelled out: MySQL reads no index for ``(a, b) > (1, 2)`` (manual, Row Constructor Expression
    Optimization).
    """
    return _compare(columns, key, ">", inclusive=False)


def up_to(columns: Sequence[str], key: Key) -> str:
    """Rows up to and with a key in the columns' order."""
    return _compare(columns, key, "<", inclusive=True)


def _compare(columns: Sequence[str], key: Key, sign: str, *, inclusive: bool) -> str:
    name, value = quote_mysql(columns[0]), literal(key[0])
    if len(columns) == 1:
        return f"{name} {sign}{'=' if inclusive else ''} {value}"
    rest = _compare(columns[1:], key[1:], sign, inclusive=inclusive)
    return f"{name} {sign}= {value} AND ({name} {sign} {value} OR ({rest}))"


def select(
    plans: Sequence[Plan], selected: Range, *, careful: bool = False, limit: int | None = None
) -> str:
    """The query that reads a range.

    Args:
        plans: The columns.
        selected: The rows.
        careful: Whether every legal value is read, each changed one flagged.
        limit: Rows at most.
    """
    expressions = []
    for number, plan in enumerate(plans):
        expression = plan.careful if careful else plan.fast
        expressions.append(f"{expression} AS {quote_mysql(plan.column.name)}")
        if careful and plan.flag:
            expressions.append(f"CAST({plan.flag} AS SIGNED) AS {quote_mysql(f'{FLAG}{number}')}")
    return (
        f"SELECT {', '.join(expressions)} FROM {table_sql(selected.table)}"
        f"{where_clause(selected)}{order_clause(selected)}"
        + (f" LIMIT {limit}" if limit is not None else "")
    )


def window(
    key: str, lower: KeyValue | None, upper: KeyValue | None, *, nulls: bool = False
) -> tuple[str, ...]:
    """Condition of a window on the replication key, both bounds inclusive.

    Args:
        key: Column name.
        lower: Least value; None: from the beginning.
        upper: Greatest value; None: no row has a value.
        nulls: Whether rows without a value belong to the window.
    """
    name = quote_mysql(key)
    parts = [f"{name} >= {literal(lower)}"] if lower is not None else []
    parts += [f"{name} <= {literal(upper)}"] if upper is not None else []
    inside = " AND ".join(parts) or f"{name} IS NOT NULL"
    return (f"{inside} OR {name} IS NULL",) if nulls else (inside,)


def nulls_only(key: str) -> tuple[str, ...]:
    """Condition of the rows without a replication key."""
    return (f"{quote_mysql(key)} IS NULL",)


def greatest(table: TableName, key: str) -> str:
    """The greatest replication key, as text: the driver must not turn zero dates into None."""
    return f"SELECT CAST(MAX({quote_mysql(key)}) AS CHAR) FROM {table_sql(table)}"


def nth_value(table: TableName, key: str, beyond: KeyValue | None, number: int) -> str:
    """The replication key of the n-th row beyond a value, as text; no row: there are fewer."""
    name = quote_mysql(key)
    where = f"{name} IS NOT NULL" if beyond is None else f"{name} > {literal(beyond)}"
    return (
        f"SELECT CAST({name} AS CHAR) FROM {table_sql(table)} WHERE {where} "
        f"ORDER BY {name} LIMIT 1 OFFSET {number - 1}"
    )


def count_nulls(table: TableName, key: str) -> str:
    return f"SELECT COUNT(*) FROM {table_sql(table)} WHERE {quote_mysql(key)} IS NULL"


def edge(plans: Sequence[Plan], table: TableName, where: tuple[str, ...]) -> str:
    """Count and hash of the rows near the bookmark.

    The hash is over all columns, not only keys: a row that changes twice in a second keeps its
    DATETIME(0). It does not depend on the order of rows, and equal rows do not cancel out.
    """
    # Bytes, so that character sets mix; but dates as they are, the zero ones too. HEX, which takes
    # any bytes (MySQL's QUOTE: UTF-8 only), of a text: of a number it would be a whole number.
    # MySQL 9.6 and later have no MD5.
    written = (plan.fast if plan.flag else plan.careful for plan in plans)
    values = ", ".join(f"COALESCE(HEX(CONCAT({value})), '-')" for value in written)
    digest = f"SHA2(CONCAT_WS(',', {values}), 256)"
    number = f"CAST(CONV(LEFT({digest}, 15), 16, 10) AS UNSIGNED)"
    return (
        f"SELECT COUNT(*), CAST(COALESCE(SUM({number}), 0) AS CHAR) FROM {table_sql(table)}"
        f"{where_clause(Range(table, where))}"
    )


def nth_key(selected: Range, offset: int) -> str:
    """The key of the row ``offset`` rows into a range, read in order."""
    columns = ", ".join(quote_mysql(name) for name in selected.order)
    return (
        f"SELECT {columns} FROM {table_sql(selected.table)}{where_clause(selected)}"
        f"{order_clause(selected)} LIMIT 1 OFFSET {offset}"
    )


def count(selected: Range) -> str:
    return f"SELECT COUNT(*) FROM {table_sql(selected.table)}{where_clause(selected)}"
