"""What PostgreSQL must be asked so that a result is described as Redshift describes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from redshift_stand_in.context import Context
from redshift_stand_in.sql.decimals import columns as decimal_columns
from redshift_stand_in.sql.decimals.rules import Digits
from redshift_stand_in.sql.lexer import literal
from redshift_stand_in.wire.columns import Column, Origin, numeric_modifier

_ORIGINS = (
    "select a.attrelid, a.attnum, n.nspname, c.relname, a.attname, a.attnotnull, a.attidentity "
    "from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid "
    "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
    "where a.attnum > 0 and a.attrelid in ({})"
)


def origins(context: Context, tables: Collection[int]) -> dict[tuple[int, int], Origin]:
    """The columns of tables, by their table's number and their own.

    Args:
        context: the session, which is at rest.
        tables: numbers of tables.
    """
    if not tables or context.backend.status == b"E":
        return {}
    rows = context.query(_ORIGINS.format(", ".join(map(str, sorted(tables)))))
    return {
        (int(str(table)), int(str(number))): Origin(
            str(schema), str(name), str(column), required == "f", bool(identity)
        )
        for table, number, schema, name, column, required, identity in rows
    }


def with_scales(context: Context, columns: Sequence[Column], sql: str) -> list[Column]:
    """Gives the computed NUMERICs of a query the precision and scale that Redshift computes.

    Args:
        context: the session, which is at rest.
        columns: of its result.
        sql: the query, in PostgreSQL's words.
    """
    if not any(column.is_computed_numeric for column in columns):
        return list(columns)
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    asked = f"select * from pg_catalog.redshift_query_tree({literal(sql)}, '({names})')"
    rows = context.attempt(lambda: context.query(asked))
    tree, average = rows[0] if rows else (None, None)
    if tree is None:  # such as of a query with parameters
        return list(columns)
    found = decimal_columns.of_query(tree, int(average or 0))
    return [_sized(column, digits) for column, digits in zip(columns, found, strict=True)]


def _sized(column: Column, digits: Digits | None) -> Column:
    if digits is None or not column.is_computed_numeric:
        return column
    return replace(column, modifier=numeric_modifier(digits.precision, digits.scale))
