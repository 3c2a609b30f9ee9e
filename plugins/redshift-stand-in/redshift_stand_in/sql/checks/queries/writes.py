"""INSERT … VALUES and UPDATE … FROM.

Source: "INSERT" and "UPDATE" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import NotInRedshift, StatementError
from redshift_stand_in.sql import selects
from redshift_stand_in.sql.lexer import Sql

_OUTER = frozenset(["LEFT", "RIGHT", "FULL"])


def check(sql: Sql) -> None:
    """Refuses subqueries in several rows, and the target of an UPDATE in an outer join.

    Raises:
        StatementError: with the reason.
    """
    if sql.norm(0) == "INSERT" and {"VALUES", "SELECT"} <= sql.words:
        _check_rows(sql)
    if sql.norm(0) == "UPDATE" and sql.words & _OUTER:
        _check_joins(sql)


def _check_rows(sql: Sql) -> None:
    """A subquery may stand in a single row only."""
    outer = [i for i, token in enumerate(sql.tokens) if token.depth == 0]
    values = next((i for i in outer if sql.norm(i) == "VALUES"), len(sql))
    rows = [i for i in outer if i > values and sql.norm(i) == "("]
    if len(rows) > 1 and any(token.norm == "SELECT" for token in sql.tokens[values:]):
        raise NotInRedshift("A subquery in one of several VALUES lists is")


def _check_joins(sql: Sql) -> None:
    update = selects.write(sql)
    if update is None or not update.sources:
        return
    target, *joined = [source.parts[-1:] for source in update.sources]
    first, behind = update.clause("FROM")
    words = {sql.norm(i) for i in range(first, behind) if sql.tokens[i].depth == 0}
    if target in joined and words & _OUTER:
        raise StatementError("Target table must be part of an equijoin predicate")
