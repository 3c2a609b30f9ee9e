"""Gives the columns of a view that is tied to its tables the sizes that Redshift computes.

PostgreSQL gives a computed NUMERIC no precision, and shows a literal as ``text``; Redshift has
neither. Sources: "Computations with numeric values" in the Amazon Redshift Database Developer
Guide; of literals dbt-redshift's tests, which read a view's columns on a cluster.
"""

from __future__ import annotations

from typing import Any

from redshift_stand_in.sql.decimals import columns, nodes, rules
from redshift_stand_in.sql.lexer import Sql, quote
from redshift_stand_in.sql.tables.create_table import query_of, sql_index

_TEXT = "25"
#: In a tree, a string's length and brackets, and the bytes in front of its own.
_AROUND = 3 + 4


def sized(statement: str, tree: str, average: int) -> str:
    """The statement, with casts around its query if PostgreSQL does not know a column's size.

    Args:
        statement: CREATE VIEW, in PostgreSQL's words.
        tree: the rule of a view on its query.
        average: number of the function that is AVG of decimals.
    """
    query = nodes.parse(tree)[0]
    entries = [entry for entry in query["targetList"] if entry["resjunk"] == "false"]
    found = columns.of_query(tree, average)
    kinds = [_kind(query, *pair) for pair in zip(entries, found, strict=True)]
    if not any(kinds):
        return statement
    names = [quote(nodes.unescaped(entry["resname"])) for entry in entries]
    listed = ", ".join(
        f"{name}::{kind} as {name}" if kind else name
        for name, kind in zip(names, kinds, strict=True)
    )
    body = query_of(statement)
    head = statement[: statement.rindex(body)]
    return f"{head}select {listed} from ({body}) as sized ({', '.join(names)})"


def named(sql: Sql) -> str:
    """The list of names in CREATE VIEW, or nothing."""
    _, index = sql.table_name(sql_index(sql, "VIEW") + 1)
    return sql.between(index, sql.close(index) + 1) if sql.norm(index) == "(" else ""


def _kind(query: nodes.Node, entry: nodes.Node, digits: rules.Digits | None) -> str | None:
    """The type that a column is to be cast to, if it needs a cast."""
    expression: Any = entry["expr"]
    if digits and not columns.is_sized(expression):
        return f"numeric({digits.precision}, {digits.scale})"
    if query["setOperations"] == "<>" and _is_literal(expression):
        return f"varchar({max(len(expression['constvalue']) - _AROUND, 1)})"
    return None


def _is_literal(node: nodes.Node) -> bool:
    """Whether it is a string without a type, other than NULL."""
    wanted = ("CONST", _TEXT, "false")
    return (node[nodes.NAME], node.get("consttype"), node.get("constisnull")) == wanted
