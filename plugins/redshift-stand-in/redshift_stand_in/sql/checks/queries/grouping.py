"""GROUPING SETS, ROLLUP and CUBE: what may be in them, and how many sets they make.

Source: "Aggregation extensions" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from math import prod

from redshift_stand_in.errors import NotInRedshift, StatementError
from redshift_stand_in.sql import selects
from redshift_stand_in.sql.lexer import Sql

_MAX_SETS = 64
_EXTENSIONS = frozenset(["ROLLUP", "CUBE", "GROUPING"])


def check(sql: Sql) -> None:
    """Refuses constants and repeated columns in grouping sets, and too many of them.

    Raises:
        StatementError: with the reason.
    """
    if not sql.words & _EXTENSIONS:
        return
    for select in selects.find(sql):
        first, behind = select.clause("GROUP")
        if sql.norm(first) != "BY" or first >= behind:
            continue
        cuts = [
            i
            for i in range(first + 1, behind)
            if sql.norm(i) == "," and sql.tokens[i].depth == select.depth
        ]
        sets = prod(_sets(sql, start + 1) for start in [first, *cuts])
        if sets > _MAX_SETS:
            raise StatementError(f"GROUP BY takes {_MAX_SETS} grouping sets at most, not {sets}")


def _sets(sql: Sql, i: int) -> int:
    """How many grouping sets an item of GROUP BY, or of GROUPING SETS, makes."""
    opening = i + 2 if sql.norms(i, 2) == ("GROUPING", "SETS") else i + 1
    if sql.norm(i) not in _EXTENSIONS or sql.norm(opening) != "(":
        return 1
    items = sql.arguments(opening)
    if opening == i + 2:
        for first, behind in items:
            if sql.norm(first) not in _EXTENSIONS:
                _check_columns(_columns(sql, first, behind))
        return sum(_sets(sql, first) for first, _ in items)
    _check_columns([c for first, behind in items for c in _columns(sql, first, behind)])
    return len(items) + 1 if sql.norm(i) == "ROLLUP" else 1 << len(items)


def _columns(sql: Sql, first: int, behind: int) -> list[Sql]:
    """``a``, or the columns of ``(a, b)``."""
    ranges = [(first, behind)]
    if sql.norm(first) == "(" and sql.close(first) == behind - 1:
        ranges = sql.arguments(first)
    return [Sql(sql.between(*r)) for r in ranges]


def _check_columns(columns: list[Sql]) -> None:
    for column in columns:
        if len(column) == 1 and column.tokens[0].kind in ("number", "string"):
            raise NotInRedshift("A constant in a grouping set is")
    if len({column.text.lower() for column in columns}) < len(columns):
        raise NotInRedshift("A column twice in a grouping set is")
