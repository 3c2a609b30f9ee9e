"""Correlated subqueries that Redshift does not support, and aggregates with different orders.

A reference is known by the table's name or alias before it: bare column names are not looked up.

Sources: "Correlated subquery patterns that are not supported", "LISTAGG", "MEDIAN" and
"PERCENTILE_CONT" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import StatementError
from redshift_stand_in.sql import selects
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.selects import Select
from redshift_stand_in.sql.words import words

_AGGREGATES = words(
    "SUM COUNT AVG LISTAGG MEDIAN STDDEV STDDEV_SAMP STDDEV_POP VARIANCE VAR_SAMP VAR_POP "
    "PERCENTILE_CONT BIT_AND BIT_OR BOOL_AND BOOL_OR"
)
_OUTER = frozenset(["LEFT", "RIGHT", "FULL"])


def check(sql: Sql) -> None:
    """Refuses what Redshift cannot plan.

    Raises:
        StatementError: a pattern that it does not support.
    """
    found = selects.find(sql)
    for select in found:
        _check_orders(sql, select, found)
        if select.parent is None:
            continue
        levels = _levels(sql, select, found)
        if levels and _is_unsupported(sql, select, select.parent, found, levels):
            raise StatementError("This type of correlated subquery pattern is not supported yet")


def _levels(sql: Sql, select: Select, found: list[Select]) -> set[int]:
    """The levels of the outer tables that a SELECT refers to, counted outwards."""
    levels = set()
    for i in selects.own_tokens(select, found):
        token = sql.tokens[i]
        if not token.is_name or sql.norm(i + 1) != "." or sql.norm(i - 1) == ".":
            continue
        name = token.name
        if sql.norm(i + 3) == "." and i + 2 < len(sql) and sql.tokens[i + 2].is_name:
            name = sql.tokens[i + 2].name
        if level := _level(select, name):
            levels.add(level)
    return levels


def _level(select: Select, name: str) -> int:
    holder: Select | None = select
    level = 0
    while holder is not None:
        if name in holder.names:
            return level
        holder, level = holder.parent, level + 1
    return 0


def _is_unsupported(
    sql: Sql, select: Select, parent: Select, found: list[Select], levels: set[int]
) -> bool:
    own = [sql.norm(i) for i in selects.own_tokens(select, found)]
    return (
        max(levels) > 1
        or "OVER" in own
        or _in_outer_join(sql, select, parent)
        or _grouped_by(sql, select, parent)
        or (
            "GROUP" in select.clauses
            and _connected_by_in(sql, select)
            and bool(_AGGREGATES & set(own))
        )
    )


def _in_outer_join(sql: Sql, select: Select, parent: Select) -> bool:
    """Whether the subquery stands in the ON clause of an outer join."""
    first, behind = parent.clause("FROM")
    if not first <= select.start < behind:
        return False
    at = [i for i in range(first, select.start) if sql.tokens[i].depth == parent.depth]
    on = [i for i in at if sql.norm(i) == "ON"]
    joins = [i for i in at if sql.norm(i) in ("JOIN", ",")]
    if not on or not joins or joins[-1] > on[-1]:
        return False
    return bool({sql.norm(joins[-1] - 1), sql.norm(joins[-1] - 2)} & _OUTER)


def _grouped_by(sql: Sql, select: Select, parent: Select) -> bool:
    """Whether the outer query groups by the subquery's result, by alias or by position."""
    first, behind = parent.clause("GROUP")
    end_of_list = parent.clauses.get("FROM", parent.end)
    if first == behind or not parent.start < select.start < end_of_list:
        return False
    cuts = [
        i
        for i in range(parent.start + 1, end_of_list)
        if sql.norm(i) == "," and sql.tokens[i].depth == parent.depth
    ]
    position = sum(cut < select.start for cut in cuts)
    item_end = [*cuts, end_of_list][position]
    last = sql.tokens[item_end - 1]
    grouped = [sql.tokens[i] for i in range(first, behind)]
    return any(
        (t.is_name and last.is_name and t.name == last.name) or t.text == str(position + 1)
        for t in grouped
    )


def _connected_by_in(sql: Sql, select: Select) -> bool:
    return sql.norm(select.start - 1) == "(" and sql.norm(select.start - 2) == "IN"


def _check_orders(sql: Sql, select: Select, found: list[Select]) -> None:
    """LISTAGG, MEDIAN and PERCENTILE_CONT of one SELECT must have the same order."""
    orders = set()
    for i in selects.own_tokens(select, found):
        if sql.norm(i) not in ("LISTAGG", "MEDIAN", "PERCENTILE_CONT") or sql.norm(i + 1) != "(":
            continue
        end = sql.close(i + 1)
        if sql.norms(end + 1, 3) == ("WITHIN", "GROUP", "("):
            close = sql.close(end + 3)
            if sql.norm(close + 1) != "OVER":
                orders.add(sql.between(end + 6, close).lower().removesuffix(" asc"))
        elif sql.norm(i) == "MEDIAN" and sql.norm(end + 1) != "OVER":
            orders.add(sql.between(i + 2, end).lower())
    if len(orders) > 1:
        raise StatementError(
            "within group ORDER BY clauses for aggregate functions must be the same"
        )
