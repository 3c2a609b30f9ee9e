"""``IS TRUE`` and its like, which are predicates only.

Source: "Boolean type" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import NotInRedshift
from redshift_stand_in.sql import selects
from redshift_stand_in.sql.checks import leader
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.selects import Select

_VALUES = frozenset(["TRUE", "FALSE", "UNKNOWN"])


def check(sql: Sql) -> None:
    """Refuses ``x IS TRUE`` in a SELECT list; a condition of CASE is a predicate.

    Raises:
        StatementError: with the value.
    """
    if "IS" not in sql.words or not sql.words & _VALUES:
        return
    if leader.runs_later(sql) or not leader.reads_user_tables(sql):
        return
    found = selects.find(sql)
    for select in found:
        if value := _compared(sql, select, found):
            raise NotInRedshift(f"IS {value} in a SELECT list is")


def _compared(sql: Sql, select: Select, found: list[Select]) -> str | None:
    end_of_list = min([*select.clauses.values(), select.end])
    cases = 0
    for i in selects.own_tokens(select, found):
        if i >= end_of_list:
            break
        word = sql.norm(i)
        cases += (word == "CASE") - (word == "END")
        behind = i + 1 + (sql.norm(i + 1) == "NOT")
        if word == "IS" and not cases and sql.norm(behind) in _VALUES:
            return sql.norm(behind)
    return None
