"""UNION, INTERSECT, EXCEPT and MINUS: what their inputs may not have.

Source: "UNION, INTERSECT, and EXCEPT" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import StatementError
from redshift_stand_in.sql import selects
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.selects import Select

#: What stands before a query that is no subquery of a clause.
_BEFORE_QUERIES = frozenset(["", "(", "AS"])


def check(sql: Sql) -> None:
    """Refuses LIMIT and OFFSET in an input of a set operation.

    Raises:
        StatementError: with the word.
    """
    if not sql.words & selects.SET_OPERATORS:
        return
    for select in selects.find(sql):
        limits = [word for word in ("LIMIT", "OFFSET") if word in select.clauses]
        if limits and _is_input(sql, _opening(sql, select), select.end):
            raise StatementError(f"{limits[0]} may not be used within input to set operations")


def _opening(sql: Sql, select: Select) -> int:
    """The parenthesis that a SELECT stands in; -1 where there is none."""
    return max((i for i in range(select.start) if sql.tokens[i].depth < select.depth), default=-1)


def _is_input(sql: Sql, opening: int, closing: int) -> bool:
    """Whether a query in parentheses, one pair or several, is an input."""
    while (sql.norm(opening - 1), sql.norm(closing + 1)) == ("(", ")"):
        opening, closing = opening - 1, closing + 1
    before = opening - 2 if sql.norm(opening - 1) in ("ALL", "DISTINCT") else opening - 1
    is_second = sql.norm(before) in selects.SET_OPERATORS
    is_first = sql.norm(closing + 1) in selects.SET_OPERATORS
    return is_second or (is_first and sql.norm(opening - 1) in _BEFORE_QUERIES)
