"""What PostgreSQL must be asked so that a result is described as Redshift describes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from redshift_stand_in.context import Context
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.wire.columns import MAX_SCALE, Column, Origin, numeric_modifier

_ORIGINS = (
    "select a.attrelid, a.attnum, n.nspname, c.relname, a.attname, a.attnotnull, a.attidentity "
    "from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid "
    "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
    "where a.attnum > 0 and a.attrelid in ({})"
)
#: Rows whose values tell the scale of a column.
_SAMPLE = 100
_PARAMETER = re.compile(r"\$\d")


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
    """Gives the computed NUMERICs of a query the scale that its first rows have.

    Redshift knows it beforehand, by the expression's types. But for divisions and averages
    PostgreSQL's values have the same one, so running the query tells it.

    Args:
        context: the session, which is at rest.
        columns: of its result.
        sql: the query, in PostgreSQL's words.
    """
    unknown = [number for number, column in enumerate(columns) if column.is_computed_numeric]
    if not unknown or _PARAMETER.search(sql) or Sql(sql).norm(0) not in ("SELECT", "WITH", "("):
        return list(columns)
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    asked = ", ".join(f"max(redshift_hidden.scale(c{number}))" for number in unknown)
    rows = context.attempt(
        lambda: context.query(
            f"select {asked} from (select * from ({sql}\n) as q({names}) limit {_SAMPLE}) as r"
        )
    )
    found = dict(zip(unknown, rows[0] if rows else [], strict=False))
    return [_scaled(column, found.get(number)) for number, column in enumerate(columns)]


def _scaled(column: Column, scale: str | None) -> Column:
    if scale is None:
        return column
    return replace(column, modifier=numeric_modifier(min(int(scale), MAX_SCALE)))
