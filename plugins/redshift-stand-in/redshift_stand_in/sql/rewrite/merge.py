"""MERGE: Redshift's restrictions on it, and its REMOVE DUPLICATES form.

Source: "MERGE" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_stand_in.errors import NotInRedshift, StatementError
from redshift_stand_in.sql.lexer import Sql, qualified, quote


@dataclass(frozen=True)
class Merge:
    """A MERGE that Redshift would take.

    Attributes:
        target: name parts.
        source: name parts; it must be a table.
        statements: what PostgreSQL runs, in order.
    """

    target: list[str]
    source: list[str]
    statements: list[str]


def parse(sql: Sql) -> Merge:
    """Checks a MERGE.

    Raises:
        StatementError: Redshift refuses it.
    """
    if sql.norm(1) != "INTO":
        raise sql.unexpected(1)
    target, i = sql.table_name(2)
    if sql.norm(i) != "USING":
        raise NotInRedshift("An alias of a MERGE's target is")
    if sql.norm(i + 1) == "(":
        raise NotInRedshift("A subquery as the source of a MERGE is")
    using = i
    source, i = sql.table_name(i + 1)
    if sql.norm(i) == "AS":
        i += 1
    if sql.norm(i) != "ON":
        i += 1
    if sql.norm(i) != "ON":
        raise sql.unexpected(i)
    end = next(
        (
            k
            for k in range(i, len(sql))
            if sql.tokens[k].depth == 0 and sql.norm(k) in ("WHEN", "REMOVE")
        ),
        len(sql),
    )
    _check_condition(sql, i + 1, end)
    if sql.norms(end, 2) == ("REMOVE", "DUPLICATES"):
        return Merge(target, source, _remove_duplicates(sql, target, using, i, end))
    _check_clauses(sql, end)
    return Merge(target, source, [sql.text])


def _check_condition(sql: Sql, start: int, end: int) -> None:
    """The condition must hold an equality between a column of each side."""
    for k in range(start, end):
        if sql.norm(k) == "=" and _is_column(sql, k - 1, -1) and _is_column(sql, k + 1, 1):
            return
    raise StatementError("MERGE requires an equality join condition between source and target")


def _is_column(sql: Sql, index: int, step: int) -> bool:
    while sql.norm(index) in ("(", ")"):
        index += step
    return 0 <= index < len(sql) and sql.tokens[index].is_name


def _check_clauses(sql: Sql, start: int) -> None:
    whens = [
        k for k in range(start, len(sql)) if sql.norm(k) == "WHEN" and sql.tokens[k].depth == 0
    ]
    whens = [
        k
        for k in whens
        if sql.norm(k + 1) == "MATCHED" or sql.norms(k + 1, 2) == ("NOT", "MATCHED")
    ]
    heads = [sql.norms(k, 5) for k in whens]
    for head in heads:
        matched = head.index("MATCHED")
        if head[matched + 1] == "AND":
            raise NotInRedshift("A condition on a MERGE's WHEN clause is")
        if head[matched + 1] == "BY":
            raise NotInRedshift("WHEN NOT MATCHED BY is")
    if [head[1] for head in heads] != ["MATCHED", "NOT"]:
        raise NotInRedshift("A MERGE without WHEN MATCHED followed by WHEN NOT MATCHED is")
    if sql.norms(whens[0] + 2, 2) not in (("THEN", "UPDATE"), ("THEN", "DELETE")):
        raise NotInRedshift("WHEN MATCHED other than UPDATE or DELETE is")
    if sql.norms(whens[1] + 3, 2) != ("THEN", "INSERT"):
        raise NotInRedshift("WHEN NOT MATCHED other than INSERT is")


def _remove_duplicates(sql: Sql, target: list[str], using: int, on: int, end: int) -> list[str]:
    """Rows of the target that match go; the source's rows come in their place, each once."""
    if end + 2 < len(sql):
        raise sql.unexpected(end + 2)
    source = sql.between(using + 1, on)
    condition = sql.between(on + 1, end)
    name = qualified(target)
    alias = sql.tokens[on - 1].name
    return [
        f"delete from {name} using {source} where {condition}",
        f"insert into {name} select distinct {quote(alias)}.* from {source}",
    ]
