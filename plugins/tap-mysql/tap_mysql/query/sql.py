"""SQL text, made by pure functions: identifiers quoted, values typed literals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tidemark_core.names import TableName, mysql_relation, quote_mysql

from tap_mysql.query.column_reads import FLAG, Plan
from tap_mysql.source.schema import Column
from tap_mysql.values.key_values import KeyValue, literal

Key = tuple[KeyValue, ...]


def table_sql(name: TableName) -> str:
    return mysql_relation(name.schema, name.table)


@dataclass(frozen=True)
class Range:
    """Rows of a table, in an order in which the read can be resumed.

    Attributes:
        table: The table.
        where: Conditions that all rows of the range fulfil.
        order: Columns of the order; together unique, never NULL. Empty: no order, no resuming.
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
    """Names the table's own columns: an unqualified name would mean the expression aliased so.

    ``CAST(k AS CHAR) AS k … ORDER BY k`` sorts as text, and the read cannot be resumed after a
    number in that order.
    """
    table = quote_mysql(selected.table.table)
    columns = ", ".join(f"{table}.{quote_mysql(name)}" for name in selected.order)
    return f" ORDER BY {columns}" if columns else ""


def beyond(columns: Sequence[str], key: Key) -> str:
    """Rows after a key in the columns' order.

    Spelled out: MySQL uses no index for ``(a, b) > (1, 2)`` (manual, Row Constructor Expression
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


def select(plans: Sequence[Plan], selected: Range, *, limit: int | None = None) -> str:
    """The query that reads a range: the columns, followed by those that show changed texts.

    Args:
        plans: The columns.
        selected: The rows.
        limit: Rows at most.
    """
    expressions = [f"{plan.expression} AS {quote_mysql(plan.column.name)}" for plan in plans]
    flags = [plan.flag for plan in plans if plan.flag is not None]
    expressions += [f"{flag} AS {quote_mysql(f'{FLAG}{n}')}" for n, flag in enumerate(flags)]
    return (
        f"SELECT {', '.join(expressions)} FROM {table_sql(selected.table)}"
        f"{where_clause(selected)}{order_clause(selected)}"
        + (f" LIMIT {limit}" if limit is not None else "")
    )


def window(
    key: Column, lower: KeyValue | None, upper: KeyValue | None, *, nulls: bool = False
) -> tuple[str, ...]:
    """Condition of a window on the replication key, both bounds inclusive.

    Args:
        key: The column.
        lower: Least value; None: from the beginning.
        upper: Greatest value; None: no row has a value.
        nulls: Whether rows without a value belong to the window.
    """
    name = quote_mysql(key.name)
    parts = [f"{name} >= {literal(lower)}"] if lower is not None else []
    parts += [f"{name} <= {literal(upper)}"] if upper is not None else []
    inside = " AND ".join(parts) or f"{name} IS NOT NULL"
    return (f"{inside} OR {no_key(key.name, key.data_type)}",) if nulls else (inside,)


def no_key(key: str, data_type: str) -> str:
    """Condition of the rows without a replication key: NULL, or a date of year 0.

    As a range, so that an index serves. Not below year 1 for a TIMESTAMP: MySQL finds nothing below
    a date that the column cannot hold.
    """
    name = quote_mysql(key)
    first = _FIRST_DATES.get(data_type)
    return f"{name} IS NULL" + (f" OR {name} < '{first}'" if first else "")


_FIRST_DATES = {
    "date": "0001-01-01",
    "datetime": "0001-01-01 00:00:00",
    "timestamp": "1970-01-01 00:00:01",
}


def greatest(table: TableName, key: str) -> str:
    """The greatest replication key, as text: the driver must not turn zero dates into None."""
    return f"SELECT CAST(MAX({quote_mysql(key)}) AS CHAR) FROM {table_sql(table)}"


def definition(table: TableName) -> str:
    """A table's name, and the statement that creates it."""
    return f"SHOW CREATE TABLE {table_sql(table)}"


def nth_value(table: TableName, key: Column, beyond: KeyValue | None, number: int) -> str:
    """The replication key of the n-th row beyond a value, as text; no row: there are fewer."""
    name = quote_mysql(key.name)
    where = (
        f"NOT ({no_key(key.name, key.data_type)})"
        if beyond is None
        else f"{name} > {literal(beyond)}"
    )
    return (
        f"SELECT CAST({name} AS CHAR) FROM {table_sql(table)} WHERE {where} "
        f"ORDER BY {name} LIMIT 1 OFFSET {number - 1}"
    )


def count_no_key(table: TableName, key: str, data_type: str) -> str:
    return f"SELECT COUNT(*) FROM {table_sql(table)} WHERE {no_key(key, data_type)}"


#: What a row whose hash cannot be computed adds: more than all others together can.
UNCOMPUTABLE = 10**40


def edge(plans: Sequence[Plan], table: TableName, where: tuple[str, ...]) -> str:
    """Count and hash of the rows near the bookmark.

    The hash is over all columns, not only keys: a row that changes twice in a second keeps its
    DATETIME(0). It does not depend on the order of rows, and equal rows do not cancel out.
    """
    # Each text is hashed first: together they may be longer than max_allowed_packet, beyond which
    # CONCAT gives NULL. Unlike CONCAT_WS, CONCAT is NULL if one value is: a hash that misses a
    # column is not a hash. MySQL 9.6 and later have no MD5.
    values = ", ',', ".join(map(_short, plans))
    number = f"CAST(CONV(LEFT(SHA2(CONCAT({values}), 256), 15), 16, 10) AS DECIMAL(65,0))"
    return (
        f"SELECT COUNT(*), CAST(COALESCE(SUM(COALESCE({number}, {UNCOMPUTABLE})), 0) AS CHAR) "
        f"FROM {table_sql(table)}{where_clause(Range(table, where))}"
    )


def _short(plan: Plan) -> str:
    """A value in a short form that no other value has; NULL where it cannot be computed.

    A text's bytes are used, so that character sets can mix.
    """
    name, kind, value = quote_mysql(plan.column.name), plan.kind.kind, plan.exact
    if kind in ("string", "binary", "json"):
        value = f"SHA2({value}, 256)"
    return f"IF({name} IS NULL, '-', {value})"


def by_keys(columns: Sequence[str], keys: Sequence[Key]) -> str:
    """Condition of the rows with one of some keys, of which there is at least one.

    Keys that differ in the last column only are grouped. Spelled out as in `beyond`: MariaDB uses
    no index for ``(a, b) IN (…)``.
    """
    groups: dict[Key, list[str]] = {}
    for key in keys:
        groups.setdefault(key[:-1], []).append(literal(key[-1]))
    *first, last = map(quote_mysql, columns)
    found = []
    for start, values in groups.items():
        parts = [f"{name} = {literal(value)}" for name, value in zip(first, start, strict=True)]
        found.append(" AND ".join([*parts, f"{last} IN ({', '.join(values)})"]))
    return found[0] if len(found) == 1 else " OR ".join(f"({each})" for each in found)


def nth_key(selected: Range, offset: int) -> str:
    """The key of the row ``offset`` rows into a range, read in order."""
    columns = ", ".join(quote_mysql(name) for name in selected.order)
    return (
        f"SELECT {columns} FROM {table_sql(selected.table)}{where_clause(selected)}"
        f"{order_clause(selected)} LIMIT 1 OFFSET {offset}"
    )


def ends(table: TableName, column: str) -> str:
    """The least and the greatest value of a column."""
    name = quote_mysql(column)
    return f"SELECT MIN({name}), MAX({name}) FROM {table_sql(table)}"


def count(selected: Range) -> str:
    return f"SELECT COUNT(*) FROM {table_sql(selected.table)}{where_clause(selected)}"
