"""Window functions: frames, orders and arguments.

Source: "Window functions" and "Window function syntax summary" in the Amazon Redshift Database
Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import SYNTAX_ERROR, NotInRedshift, NotInStandIn, StatementError
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.words import words

_FRAMED = words(
    "SUM COUNT AVG MIN MAX STDDEV STDDEV_SAMP STDDEV_POP VARIANCE VAR_SAMP VAR_POP "
    "FIRST_VALUE LAST_VALUE NTH_VALUE"
)
_RANKING = frozenset(
    ["ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE", "LAG", "LEAD"]
)
_SORTING = frozenset(["LISTAGG", "MEDIAN", "PERCENTILE_CONT", "PERCENTILE_DISC", "RATIO_TO_REPORT"])


def check(sql: Sql) -> None:
    """Refuses the windows that Redshift refuses.

    Raises:
        StatementError: with the function.
    """
    if "OVER" not in sql.words:
        return
    for i, token in enumerate(sql.tokens):
        if token.norm == "OVER" and sql.norm(i + 1) == "(" and sql.norm(i - 1) == ")":
            _check(sql, i)


def _check(sql: Sql, over: int) -> None:
    end, depth = sql.close(over + 1), sql.tokens[over + 1].depth + 1
    inner = {t.norm for t in sql.tokens[over + 2 : end] if t.depth == depth}
    opening = _opening(sql, over - 1)
    called = sql.norm(opening - 1)
    if called in _SORTING or called == "GROUP":
        raise NotInStandIn(f"{'WITHIN GROUP' if called == 'GROUP' else called} … OVER is")
    if called not in _FRAMED | _RANKING:
        raise NotInRedshift(f"{called} as a window function is")
    if called in _FRAMED and "ORDER" in inner and "ROWS" not in inner:
        raise StatementError(
            "Aggregate window functions with an ORDER BY clause require a frame clause",
            SYNTAX_ERROR,
        )
    if called in _RANKING:
        _check_ranking(sql, opening, called, inner)


def _check_ranking(sql: Sql, opening: int, called: str, inner: set[str]) -> None:
    if inner & {"ROWS", "RANGE", "GROUPS"}:
        raise NotInRedshift(f"A frame clause of {called} is")
    if called in ("LAG", "LEAD"):
        if len(sql.arguments(opening)) > 2:
            raise NotInRedshift(f"A default of {called} is")
        if "ORDER" not in inner:
            raise StatementError(f"Window function {called} requires ORDER BY", SYNTAX_ERROR)


def _opening(sql: Sql, closing: int) -> int:
    depth = sql.tokens[closing].depth
    return next(i for i in range(closing - 1, -1, -1) if sql.tokens[i].depth == depth)
