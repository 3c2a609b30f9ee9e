"""The columns and constraints of a CREATE TABLE.

Source: "CREATE TABLE" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import (
    SYNTAX_ERROR,
    NotInRedshift,
    StatementError,
)
from redshift_stand_in.sql.lexer import Edit, Sql, qualified
from redshift_stand_in.sql.tables import keys
from redshift_stand_in.sql.tables.attributes import TableAttributes
from redshift_stand_in.sql.tables.encodings import encoding
from redshift_stand_in.sql.tables.types import column_type
from redshift_stand_in.sql.words import words

#: What may follow a column's type.
_ATTRIBUTES = words(
    "ENCODE DISTKEY SORTKEY IDENTITY PRIMARY UNIQUE REFERENCES CONSTRAINT DEFAULT NULL NOT "
    "GENERATED"
)


def columns(sql: Sql, index: int, table: str, attributes: TableAttributes) -> list[Edit]:
    """The edits that turn a list of columns and constraints into PostgreSQL's.

    Args:
        sql: the statement.
        index: of the list's opening parenthesis.
        table: the table's name.
        attributes: filled with what the list says for the catalogue.

    Raises:
        StatementError: Redshift refuses one of them.
    """
    edits: list[Edit] = []
    dropped: list[tuple[int, int]] = []
    ranges = sql.arguments(index)
    for start, behind in ranges:
        if sql.norm(start) == "LIKE":
            attributes.parent = _like(sql, start, behind)
        elif sql.norm(start) in keys.HEADS:
            attributes.keys.append(keys.of_table(sql, start, behind))
            dropped.append((start, behind))
        else:
            edits += column(sql, start, behind, table, attributes)
    return edits + _without(sql, ranges, dropped)


def _without(sql: Sql, ranges: list[tuple[int, int]], dropped: list[tuple[int, int]]) -> list[Edit]:
    """Removes items of a list together with the comma before each (constraints stand last)."""
    edits = []
    for start, behind in dropped:
        if (start, behind) == ranges[0]:
            raise StatementError("a table must have a column", SYNTAX_ERROR)
        edits.append(sql.cut(start - 1, behind))
    return edits


def _like(sql: Sql, start: int, behind: int) -> str:
    """The parent of ``LIKE parent [INCLUDING|EXCLUDING DEFAULTS]``; other options are not there."""
    parts, index = sql.table_name(start + 1)
    if index < behind and sql.norms(index, behind - index) not in (
        ("INCLUDING", "DEFAULTS"),
        ("EXCLUDING", "DEFAULTS"),
    ):
        raise StatementError("LIKE takes INCLUDING or EXCLUDING DEFAULTS only", SYNTAX_ERROR)
    return qualified(parts)


def _type_of_column(sql: Sql, start: int, table: str) -> tuple[list[Edit], int]:
    """`column_type` of the column whose name stands at a token, with Redshift's error.

    Its text is known from redshift_connector's tests.

    Raises:
        StatementError: Redshift has no such type, or its size is out of range.
    """
    try:
        edits, behind = column_type(sql, start + 1)
    except NotInRedshift:
        raise _unsupported(sql, start, table) from None
    if sql.norm(behind) == "[":
        raise _unsupported(sql, start, table)
    return edits, behind


def _unsupported(sql: Sql, start: int, table: str) -> StatementError:
    column, kind = sql.tokens[start].name, sql.near(start + 1).lower()
    return StatementError(f'Column "{table}.{column}" has unsupported type "{kind}".')


def column(
    sql: Sql, start: int, behind: int, table: str, attributes: TableAttributes
) -> list[Edit]:
    """The edits that turn a column and what is said of it into PostgreSQL's.

    Args:
        sql: the statement.
        start: the column's name.
        behind: the token after its last one.
        table: the table's name.
        attributes: filled with what it says for the catalogue.

    Raises:
        StatementError: Redshift refuses it.
    """
    name = sql.name(start)
    edits, i = _type_of_column(sql, start, table)
    named: str | None = None
    while i < behind:
        word = sql.norm(i)
        if word == "ENCODE" and name not in attributes.encodings:
            attributes.encodings[name] = encoding(sql, i + 1, start + 1)
            edits.append(sql.cut(i, i + 2))
            i += 2
        elif word == "DISTKEY":
            attributes.set_distkey(name)
            edits.append(sql.cut(i, i + 1))
            i += 1
        elif word == "SORTKEY":
            attributes.set_sortkey("compound", [name])
            edits.append(sql.cut(i, i + 1))
            i += 1
        elif word == "IDENTITY" and sql.norm(i + 1) == "(":
            edits.append(_identity(sql, i))
            i = sql.close(i + 1) + 1
        elif word in ("PRIMARY", "UNIQUE", "REFERENCES"):
            key, end = keys.of_column(sql, i, name, named)
            attributes.keys.append(key)
            edits.append(sql.cut(i, end, "not null" if key.kind == "p" else ""))
            named, i = None, end
        elif word == "CONSTRAINT" and i + 1 < behind:
            named = sql.tokens[i + 1].name
            edits.append(sql.cut(i, i + 2))
            i += 2
        elif word == "DEFAULT":
            i = _behind_default(sql, i + 1, behind)
        elif word == "NULL" or sql.norms(i, 2) == ("NOT", "NULL"):
            i += 1 + (word == "NOT")
        elif sql.norms(i, 4) == ("GENERATED", "BY", "DEFAULT", "AS"):
            i += 4
        else:
            raise sql.unexpected(i)
    return edits


def _behind_default(sql: Sql, i: int, behind: int) -> int:
    """The index after a default's expression, which ends where another attribute begins."""
    depth = sql.tokens[i - 1].depth
    while i < behind and (
        sql.tokens[i].depth > depth
        or sql.norm(i) not in _ATTRIBUTES
        or (sql.norm(i) == "NULL" and sql.norm(i - 1) == "DEFAULT")
    ):
        i += 1
    return i


def _identity(sql: Sql, i: int) -> Edit:
    """IDENTITY(seed, step); GENERATED BY DEFAULT AS IDENTITY(seed, step)."""
    end = sql.close(i + 1)
    numbers = [sql.between(*r) for r in sql.arguments(i + 1)]
    if len(numbers) != 2:
        raise StatementError("IDENTITY takes a seed and a step", SYNTAX_ERROR)
    # PostgreSQL's sequences begin at 1, or at -1 downwards, unless they are told of another limit.
    limit = "maxvalue" if numbers[1].startswith("-") else "minvalue"
    options = f"identity (start with {numbers[0]} increment by {numbers[1]} {limit} {numbers[0]})"
    if sql.norm(i - 1) != "AS":
        options = f"generated always as {options}"
    return sql.cut(i, end + 1, options)
