"""Window functions: frames, orders and arguments.

Source: "Window functions" and "Window function syntax summary" in the Amazon Redshift Database
Developer Guide.
"""

from __future__ import annotations

from itertools import pairwise, takewhile

from redshift_stand_in.errors import SYNTAX_ERROR, NotInRedshift, NotInStandIn, StatementError
from redshift_stand_in.sql.checks import leader
from redshift_stand_in.sql.lexer import Sql, Token
from redshift_stand_in.sql.words import words

_FRAMED = words(
    "SUM COUNT AVG MIN MAX STDDEV STDDEV_SAMP STDDEV_POP VARIANCE VAR_SAMP VAR_POP "
    "FIRST_VALUE LAST_VALUE NTH_VALUE"
)
_RANKING = frozenset(
    ["ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE", "LAG", "LEAD"]
)
#: Their windows may have partitions, but no order and no frame.
_PARTITIONED = frozenset(["LISTAGG", "MEDIAN", "PERCENTILE_CONT", "RATIO_TO_REPORT"])
_CONSTANTS = words("NULL TRUE FALSE :: + - * / || ( ) ,")
#: What may stand behind an expression of ORDER BY.
_BEHIND = words("ASC DESC NULLS ROWS")
_LEAVE_NULL_OUT = frozenset(["FIRST_VALUE", "LAST_VALUE", "NTH_VALUE", "LAG", "LEAD"])


def check(sql: Sql) -> None:
    """Refuses the windows that Redshift refuses.

    Raises:
        StatementError: with the function.
    """
    if "OVER" not in sql.words:
        return
    on_compute_nodes = leader.reads_user_tables(sql) and not leader.runs_later(sql)
    for i, token in enumerate(sql.tokens):
        if token.norm == "OVER" and sql.norm(i + 1) == "(" and sql.norm(i - 1) in (")", "NULLS"):
            _check(sql, i)
            if on_compute_nodes:
                _check_constants(sql, i + 1)


def _check(sql: Sql, over: int) -> None:
    end, depth = sql.close(over + 1), sql.tokens[over + 1].depth + 1
    inner = {t.norm for t in sql.tokens[over + 2 : end] if t.depth == depth}
    opening = _opening(sql, over - (3 if sql.norm(over - 1) == "NULLS" else 1))
    if sql.norms(opening - 2, 2) == ("WITHIN", "GROUP"):
        opening = _opening(sql, opening - 3)
    called = sql.norm(opening - 1)
    if called == "PERCENTILE_DISC":
        raise NotInStandIn("PERCENTILE_DISC … OVER is")
    if called not in _FRAMED | _RANKING | _PARTITIONED:
        raise NotInRedshift(f"{called} as a window function is")
    if called in _PARTITIONED and inner & {"ORDER", "ROWS"}:
        raise NotInRedshift(f"ORDER BY or a frame in the window of {called} is")
    words = {sql.norm(over - 1), sql.norm(over - 2)}
    if "NULLS" in words and called not in _LEAVE_NULL_OUT:
        raise StatementError(f"{called} does not accept IGNORE or RESPECT NULLS", SYNTAX_ERROR)
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


def _check_constants(sql: Sql, opening: int) -> None:
    """No constants in PARTITION BY, no string literals in ORDER BY; ``order by 1`` is taken."""
    clause, depth = "", sql.tokens[opening].depth + 1
    for first, behind in sql.arguments(opening):
        heads = [
            k
            for k in range(first, behind)
            if sql.tokens[k].depth == depth and sql.norm(k) in ("PARTITION", "ORDER")
        ]
        for start, end in pairwise([first, *heads, behind]):
            clause = sql.norm(start) if start in heads else clause
            item = sql.tokens[start + 2 * (start in heads) : end]
            if clause == "PARTITION" and _is_constant(item):
                raise StatementError(
                    "constant expressions are not supported in partition by clauses"
                )
            value = tuple(takewhile(lambda token: token.norm not in _BEHIND, item))
            if clause == "ORDER" and value and value[0].kind == "string" and _is_constant(value):
                raise NotInRedshift("A string literal in a window's ORDER BY is")


def _is_constant(item: tuple[Token, ...]) -> bool:
    """Whether an expression has nothing but literals, and types behind ``::``."""
    return bool(item) and all(
        token.kind in ("string", "number")
        or token.norm in _CONSTANTS
        or (i > 0 and item[i - 1].norm == "::")
        for i, token in enumerate(item)
    )


def _opening(sql: Sql, closing: int) -> int:
    depth = sql.tokens[closing].depth
    return next(i for i in range(closing - 1, -1, -1) if sql.tokens[i].depth == depth)
