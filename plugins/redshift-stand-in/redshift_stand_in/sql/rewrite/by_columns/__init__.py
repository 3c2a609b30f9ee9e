"""Rewrites that need to know what a FROM clause reads: its columns, or SUPER values. Pure."""

from __future__ import annotations

from redshift_stand_in.sql import selects
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.rewrite.by_columns import lateral, paths, pivot, stars, unnest
from redshift_stand_in.sql.rewrite.by_columns.scope import Columns, Scope

_WORDS = frozenset(["PIVOT", "UNPIVOT", "EXCLUDE"])


def are_needed(sql: Sql) -> bool:
    """Whether a statement needs these rewrites."""
    if "SELECT" not in sql.words:
        return sql.norm(0) in ("UPDATE", "DELETE") and paths.are_in(sql)
    if _WORDS & sql.words or "GROUP BY ALL" in sql.shape:
        return True
    if paths.are_in(sql):
        return True
    return _repeats_a_name(sql) and any(lateral.is_in(sql, s) for s in selects.find(sql))


def _repeats_a_name(sql: Sql) -> bool:
    names = sum(token.is_name for token in sql.tokens)
    return names > len(sql.words) or '"' in sql.shape


def rewrite(text: str, columns: Columns) -> str:
    """Rewrites the SELECTs of a statement, each after those that it reads.

    Args:
        text: one statement, in Redshift's words.
        columns: returns the column names of a query, in Redshift's words too; None if it is wrong.

    Raises:
        StatementError: a column that is named is not there, or the form is not Redshift's.
    """
    known: dict[str, list[str] | None] = {}

    def remembered(query: str) -> list[str] | None:
        if query not in known:
            known[query] = columns(query)
        return known[query]

    changes = (
        pivot.rewrite,
        unnest.rewrite,
        paths.rewrite,
        stars.exclude,
        lateral.rewrite,
        stars.group_by_all,
        paths.name,
    )
    # A change adds SELECTs before its own, so the SELECTs that remain are counted.
    for remaining in range(len(selects.find(Sql(text))), 0, -1):
        for change in changes:
            sql = Sql(text)
            ordered = sorted(selects.find(sql), key=lambda select: (select.end, -select.start))
            text = change(Scope(sql, ordered[-remaining], remembered))
    sql = Sql(text)
    write = selects.write(sql)
    return paths.rewrite(Scope(sql, write, remembered)) if write else text
