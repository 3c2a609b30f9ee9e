"""Subscripts: of arrays on the leader node, elsewhere of SUPER, in paths as ``c_orders[0].date``.

Source: "Querying semi-structured data" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import NotInRedshift, NotInStandIn
from redshift_stand_in.sql import selects
from redshift_stand_in.sql.checks import leader
from redshift_stand_in.sql.lexer import Sql


def check(sql: Sql) -> None:
    """Refuses a subscript that is no part of a path, or stands where paths are not supported.

    Raises:
        StatementError: with the reason.
    """
    if "[" not in sql.shape or leader.reads_catalogue_only(sql):
        return
    for i, token in enumerate(sql.tokens):
        if token.norm == "[" and sql.norm(i - 1) != "]":
            _check(sql, i)
        if token.norm == "[" and ":" in sql.norms(i + 1, 3):
            raise NotInRedshift("A slice is")
        if token.norm == "[" and sql.norms(i + 1, 2) != ("0", "]") and sql.norm(i + 1) != "]":
            raise NotInStandIn("A subscript other than a number is")


def _check(sql: Sql, i: int) -> None:
    first = i - 1
    while sql.norm(first - 1) in (".", "]"):
        first -= 2 if sql.norm(first - 1) == "." else 3
    outside = not any(s.start < i < s.end for s in selects.find(sql))
    defined = outside and sql.norm(0) in ("ALTER", "CREATE")
    if defined and sql.norm(i + 1) == "]":
        return  # the type of a column, which is refused where columns are read
    if sql.norm(first - 1) in ("::", "AS") or defined:
        raise NotInRedshift("An array type is")
    if not sql.tokens[i - 1].is_name:
        raise NotInStandIn("A path into the value of an expression is")
    write = selects.write(sql)
    if write and write.clauses.get("SET", i) < i and _is_target(sql, write, first):
        raise NotInRedshift("The update of a part of a SUPER value is")
    if outside and not write:
        raise NotInStandIn("A SUPER path outside of SELECT, UPDATE and DELETE is")


def _is_target(sql: Sql, update: selects.Select, i: int) -> bool:
    """Whether the column that begins at a token is one that SET assigns to."""
    first, behind = update.clause("SET")
    return first <= i < behind and sql.norm(i - 1) in ("SET", ",") and sql.tokens[i].depth == 0
