"""WITH RECURSIVE, of whose queries those that read themselves have rules of their own.

Source: "WITH clause" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from collections.abc import Iterator

from redshift_stand_in.errors import SYNTAX_ERROR, NotInRedshift, StatementError
from redshift_stand_in.sql.lexer import Sql


def check(sql: Sql) -> None:
    """Refuses WITH RECURSIVE but at the top, with column names, and with UNION ALL.

    Raises:
        StatementError: with the reason.
    """
    for i, token in enumerate(sql.tokens):
        if token.norm != "RECURSIVE" or sql.norm(i - 1) != "WITH":
            continue
        if token.depth > 0 and sql.norm(0) not in ("CREATE", "UNLOAD"):
            raise NotInRedshift("WITH RECURSIVE in a subquery is")
        for name, has_columns, body in _common_tables(sql, i + 1):
            if _reads(sql, body, sql.tokens[name].name):
                _check_recursive(sql, body, has_columns=has_columns)


def _common_tables(sql: Sql, name: int) -> Iterator[tuple[int, bool, int]]:
    """The common table expressions from ``name`` on.

    Returns:
        Of each its name, whether it lists columns, and the parenthesis of its query.
    """
    while True:
        body = name + 1
        has_columns = sql.norm(body) == "("
        if has_columns:
            body = sql.close(body) + 1
        body += sql.norm(body) == "AS"
        if sql.norm(body) != "(":
            raise sql.unexpected(body)
        yield name, has_columns, body
        behind = sql.close(body) + 1
        if sql.norm(behind) != ",":
            return
        name = behind + 1


def _reads(sql: Sql, body: int, name: str) -> bool:
    """Whether a query in parentheses reads a table of this name: then it is recursive."""
    return any(
        sql.tokens[k].is_name and sql.tokens[k].name == name
        for k in range(body, sql.close(body))
        if sql.norm(k - 1) in ("FROM", "JOIN", ",") and sql.norm(k + 1) != "."
    )


def _check_recursive(sql: Sql, body: int, *, has_columns: bool) -> None:
    if not has_columns:
        raise StatementError("a recursive common table expression needs column names", SYNTAX_ERROR)
    depth = sql.tokens[body].depth + 1
    unions = [
        k
        for k in range(body, sql.close(body))
        if sql.norm(k) == "UNION" and sql.tokens[k].depth == depth
    ]
    if any(sql.norm(k + 1) != "ALL" for k in unions):
        raise NotInRedshift("UNION in a recursive query is")
