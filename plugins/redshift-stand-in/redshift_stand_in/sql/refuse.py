"""Refuses what Redshift would refuse, and what the stand-in cannot do faithfully."""

from __future__ import annotations

from redshift_stand_in.sql.checks import (
    forms,
    functions,
    leader,
    names,
    parameters,
    paths,
    rules,
    types,
)
from redshift_stand_in.sql.checks.queries import (
    booleans,
    grouping,
    set_operations,
    subqueries,
    windows,
    writes,
)
from redshift_stand_in.sql.lexer import Sql


def check(sql: Sql) -> None:
    """Looks at one statement.

    Raises:
        StatementError: with the reason.
    """
    rules.check(sql)
    paths.check(sql)
    forms.check(sql)
    parameters.check(sql)
    functions.check(sql)
    names.check(sql)
    writes.check(sql)
    check_query(sql)


def check_query(sql: Sql) -> None:
    """Looks at the queries and expressions of a statement."""
    types.check(sql)
    windows.check(sql)
    if "SELECT" in sql.words:
        subqueries.check(sql)
        set_operations.check(sql)
        grouping.check(sql)
        booleans.check(sql)
    leader.check(sql)
