"""CREATE FUNCTION … LANGUAGE sql: one SELECT of an expression, with arguments by number.

Source: "CREATE FUNCTION" and "Creating a scalar SQL UDF" in the Amazon Redshift Database Developer
Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import SYNTAX_ERROR, StatementError
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.tables.types import column_type
from redshift_stand_in.sql.words import words

_CLAUSES = words(
    "FROM INTO WHERE GROUP ORDER LIMIT UNION INTERSECT EXCEPT MINUS HAVING WITH OFFSET"
)


def check(sql: Sql) -> None:
    """Refuses a body that Redshift refuses.

    Raises:
        StatementError: it is not a SELECT, or has a clause that it may not have.
    """
    if sql.norm(0) != "CREATE" or "FUNCTION" not in sql.norms(1, 3):
        return
    opening = next(i for i in range(len(sql)) if sql.norm(i) == "(")
    for first, _ in sql.arguments(opening):
        column_type(sql, first)
    column_type(sql, sql.close(opening) + 2)
    body = Sql(next(t.value for t in sql.tokens if t.kind == "string").rstrip(" \n\t;"))
    if body.norm(0) != "SELECT":
        raise StatementError(f'syntax error at or near "{body.near(0)}"', SYNTAX_ERROR)
    called = {i for i, t in enumerate(body.tokens) if body.norm(i + 1) == "(" and t.kind == "word"}
    for i, token in enumerate(body.tokens):
        inside = any(k < i < body.close(k + 1) for k in called if k + 1 < len(body))
        if token.norm == "SELECT" and i > 0:
            raise StatementError("The body of a SQL function may not hold a subquery")
        if token.norm in _CLAUSES and not (token.norm == "FROM" and inside):
            raise StatementError(f"{token.norm} is not allowed in the body of a SQL function")
