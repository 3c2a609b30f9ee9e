"""``SELECT * EXCLUDE`` and ``GROUP BY ALL``.

Sources: "EXCLUDE column_list" and "GROUP BY clause" in the Amazon Redshift Database Developer
Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import UNDEFINED_COLUMN, StatementError
from redshift_stand_in.sql import selects
from redshift_stand_in.sql.lexer import Edit, Sql, quote
from redshift_stand_in.sql.rewrite.by_columns.scope import Item, Scope
from redshift_stand_in.sql.words import words

_AGGREGATES = words(
    "SUM COUNT AVG MIN MAX LISTAGG MEDIAN STDDEV STDDEV_SAMP STDDEV_POP VARIANCE VAR_SAMP VAR_POP "
    "PERCENTILE_CONT PERCENTILE_DISC BIT_AND BIT_OR BOOL_AND BOOL_OR ANY_VALUE"
)


def exclude(scope: Scope) -> str:
    """Replaces a star and the EXCLUDE after it by the columns that remain.

    Raises:
        StatementError: a column that is left out is not there, or none remains.
    """
    sql = scope.sql
    edits: list[Edit] = []
    for item in scope.items():
        star = _star(sql, item)
        if star is None or sql.norm(star + 1) != "EXCLUDE":
            continue
        alias = sql.tokens[star - 2].name if sql.norm(star - 1) == "." else ""
        all_of_them = scope.qualified(alias)
        if all_of_them is not None:
            left_out = [t.name for t in sql.tokens[star + 2 : item.behind] if t.is_name]
            edits.append(sql.cut(item.start, item.behind, _remaining(all_of_them, left_out)))
        else:  # PostgreSQL reports what is wrong in the FROM clause
            edits.append(sql.cut(star + 1, item.behind))
    return sql.edited(edits)


def _remaining(columns: list[str], left_out: list[str]) -> str:
    for name in left_out:
        if not any(_is_called(column, name) for column in columns):
            raise StatementError(f'column "{name}" does not exist', UNDEFINED_COLUMN)
    kept = [c for c in columns if not any(_is_called(c, name) for name in left_out)]
    if not kept:
        raise StatementError("EXCLUDE leaves no column of the SELECT list")
    return ", ".join(kept)


def _is_called(column: str, name: str) -> bool:
    return column == quote(name) or column.endswith("." + quote(name))


def group_by_all(scope: Scope) -> str:
    """Groups by the items of the list that have no aggregate, by their position."""
    sql, select = scope.sql, scope.select
    first, behind = select.clause("GROUP")
    if sql.norms(first, behind - first) != ("BY", "ALL"):
        return sql.text
    own = set(selects.own_tokens(select, selects.find(sql)))
    positions: list[int] = []
    at = 1
    for item in scope.items():
        star = _star(sql, item)
        if star is not None:
            count = len(scope.read(sql.between(item.start, star + 1)) or [])
            positions += range(at, at + count)
            at += count
            continue
        if not any(_is_aggregate(sql, i, own) for i in range(item.start, item.end)):
            positions.append(at)
        at += 1
    grouped = f"group by {', '.join(map(str, positions))}" if positions else ""
    return sql.edited([sql.cut(first - 1, behind, grouped)])


def _star(sql: Sql, item: Item) -> int | None:
    """The index of the star that an item is, or begins with."""
    if sql.norm(item.start) == "*":
        return item.start
    at = item.start
    while at + 1 < item.behind and sql.tokens[at].is_name and sql.norm(at + 1) == ".":
        at += 2
    return at if at > item.start and sql.norm(at) == "*" else None


def _is_aggregate(sql: Sql, i: int, own: set[int]) -> bool:
    """Whether an aggregate, or a window function, is called there."""
    if i not in own or sql.tokens[i].kind != "word":
        return False
    if sql.norm(i) == "OVER":
        return sql.norm(i + 1) == "("
    return sql.norm(i) in _AGGREGATES and sql.norm(i + 1) == "("
