"""Aggregates that sort, and window functions that leave NULL out, in PostgreSQL's words.

PostgreSQL has no OVER after WITHIN GROUP: the catalogue has aggregates of its own for it.

Sources: "LISTAGG", "MEDIAN", "PERCENTILE_CONT", "RATIO_TO_REPORT", "LAG", "LEAD", "FIRST_VALUE" and
"LAST_VALUE" window functions in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from collections.abc import Callable

from redshift_stand_in.errors import SYNTAX_ERROR, NotInStandIn, StatementError
from redshift_stand_in.sql.lexer import Sql

_WHOLE = " rows between unbounded preceding and unbounded following"
#: LAG's value is the last one in its frame that is not NULL, LEAD's the first.
_OFFSETS = {
    "LAG": " rows between unbounded preceding and 1 preceding",
    "LEAD": " rows between 1 following and unbounded following",
}


def _is_call(sql: Sql, i: int) -> bool:
    return sql.norm(i + 1) == "(" and sql.norm(i - 1) != "."


def _is_window(sql: Sql, behind: int) -> bool:
    return sql.norms(behind, 2) == ("OVER", "(")


def _median(sql: Sql, i: int) -> str:
    if not _is_call(sql, i):
        return sql.text
    end = sql.close(i + 1)
    argument = sql.between(i + 2, end)
    if _is_window(sql, end + 1):
        new = f"redshift_hidden.median({argument}, 0.5)"
    else:
        new = f"redshift_hidden.median(0.5) within group (order by {argument})"
    return sql.edited([sql.cut(i, end + 1, new)])


def _percentile_cont(sql: Sql, i: int) -> str:
    """``percentile_cont(p) within group (order by x [desc]) over (…)``."""
    end = sql.close(i + 1) if _is_call(sql, i) else 0
    if not end or sql.norms(end + 1, 3) != ("WITHIN", "GROUP", "("):
        return sql.text
    behind = sql.close(end + 3)
    if not _is_window(sql, behind + 1):
        return sql.text
    last = sql.norm(behind - 1)
    value = sql.between(end + 6, behind - (last in ("ASC", "DESC")))
    fraction = sql.between(i + 2, end)
    fraction = f"1 - ({fraction})" if last == "DESC" else fraction
    new = f"redshift_hidden.percentile_cont({value}, {fraction})"
    return sql.edited([sql.cut(i, behind + 1, new)])


def _listagg(sql: Sql, i: int) -> str:
    """``listagg([distinct] x [, sep]) [within group (order by …)]``."""
    if not _is_call(sql, i):
        return sql.text
    end = sql.close(i + 1)
    ranges = sql.arguments(i + 1)
    distinct = sql.norm(i + 2) == "DISTINCT"
    first = i + 3 if distinct else i + 2
    value = sql.between(first, ranges[0][1])
    separator = sql.between(*ranges[1]) if len(ranges) > 1 else "''"
    order, behind = "", end + 1
    if sql.norms(end + 1, 3) == ("WITHIN", "GROUP", "("):
        behind = sql.close(end + 3) + 1
        order = " " + sql.between(end + 4, behind - 1)
    if _is_window(sql, behind):
        if distinct:
            raise NotInStandIn("LISTAGG (DISTINCT …) OVER is")
        place = sql.tokens[sql.close(behind + 1)].start
        new = f"redshift_hidden.listagg(({value})::varchar, {separator})"
        return sql.edited([sql.cut(i, behind, new), (place, place, order + _WHOLE)])
    if distinct:
        # PostgreSQL requires the expression after DISTINCT, unchanged, in the ORDER BY.
        order = order.replace(value, f"({value})::varchar")
    body = f"{'distinct ' if distinct else ''}({value})::varchar, {separator}{order}"
    return sql.edited([sql.cut(i, behind, f"redshift_hidden.listagg({body})")])


def _ratio_to_report(sql: Sql, i: int) -> str:
    end = sql.close(i + 1) if _is_call(sql, i) else 0
    if not end or not _is_window(sql, end + 1):
        raise StatementError("RATIO_TO_REPORT is a window function", SYNTAX_ERROR)
    behind = sql.close(end + 2) + 1
    value, window = sql.between(i + 2, end), sql.between(end + 1, behind)
    new = f"(({value})::float8 / nullif((sum({value}) {window})::float8, 0))"
    return sql.edited([sql.cut(i, behind, new)])


def _nulls(sql: Sql, i: int) -> str:
    """``IGNORE NULLS`` and ``RESPECT NULLS``, in the parenthesis of the arguments or after it."""
    if sql.norm(i - 1) not in ("IGNORE", "RESPECT"):
        return sql.text
    inside = sql.norm(i + 1) == ")"
    closing, over = (i + 1, i + 2) if inside else (i - 2, i + 1)
    if not _is_window(sql, over) or sql.norm(closing) != ")":
        raise sql.unexpected(i - 1)
    words = sql.cut(i - 1, i + 1)
    if sql.norm(i - 1) == "RESPECT":
        return sql.edited([words])
    depth = sql.tokens[closing].depth
    opening = max(k for k in range(closing) if sql.norm(k) == "(" and sql.tokens[k].depth == depth)
    called, end = sql.norm(opening - 1), sql.close(over + 1)
    if called in ("FIRST_VALUE", "LAST_VALUE"):
        new = f"redshift_hidden.{called.lower()}"
        return sql.edited([sql.cut(opening - 1, opening, new), words])
    ranges = sql.arguments(opening)
    if called not in _OFFSETS or (len(ranges) > 1 and sql.between(*ranges[1]) != "1"):
        raise NotInStandIn(f"IGNORE NULLS of {called} here is")
    value = sql.text[sql.tokens[opening].end : sql.tokens[ranges[0][1] - 1].end]
    place = sql.tokens[end].start
    new = f"redshift_hidden.{called.lower()}({value}) "
    return sql.edited([sql.cut(opening - 1, over, new), (place, place, _OFFSETS[called])])


#: By the word that they begin with, or hold.
CHANGES: tuple[tuple[str, Callable[[Sql, int], str]], ...] = (
    ("NULLS", _nulls),
    ("MEDIAN", _median),
    ("PERCENTILE_CONT", _percentile_cont),
    ("LISTAGG", _listagg),
    ("RATIO_TO_REPORT", _ratio_to_report),
)
