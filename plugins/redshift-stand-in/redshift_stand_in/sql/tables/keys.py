"""PRIMARY KEY, UNIQUE and FOREIGN KEY: of a column, of a table, or added to one.

Source: "CREATE TABLE" and "ALTER TABLE" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.sql.lexer import Sql, qualified
from redshift_stand_in.sql.tables.attributes import Key

#: What a table constraint may begin with.
HEADS = frozenset(["PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT"])
_KINDS = {"PRIMARY": ("p", 2), "UNIQUE": ("u", 1), "FOREIGN": ("f", 2)}


def of_table(sql: Sql, i: int, behind: int) -> Key:
    """Reads a table constraint.

    Args:
        sql: the statement.
        i: its first token.
        behind: the token after its last one.

    Raises:
        StatementError: it is not one.
    """
    name = None
    if sql.norm(i) == "CONSTRAINT":
        name, i = sql.name(i + 1), i + 2
    kind, words = _KINDS.get(sql.norm(i), ("", 0))
    if not kind or (words == 2 and sql.norm(i + 1) != "KEY"):
        raise sql.unexpected(i)
    columns, i = sql.names(i + words)
    parent: str | None = None
    parent_columns: list[str] = []
    if kind == "f":
        parent, parent_columns, i = references(sql, i)
    if i != behind:
        raise sql.unexpected(i)
    return Key(kind, columns, name, parent, parent_columns)


def of_column(sql: Sql, i: int, column: str, name: str | None) -> tuple[Key, int]:
    """Reads ``PRIMARY KEY``, ``UNIQUE`` or ``REFERENCES …`` behind a column.

    Args:
        sql: the statement.
        i: its first token.
        column: the column.
        name: the constraint's, if it was given one.

    Returns:
        The key, and the index after it.

    Raises:
        StatementError: it is not one.
    """
    if sql.norm(i) == "REFERENCES":
        parent, parent_columns, behind = references(sql, i)
        return Key("f", [column], name, parent, parent_columns), behind
    if sql.norms(i, 2) == ("PRIMARY", "KEY"):
        return Key("p", [column], name), i + 2
    if sql.norm(i) != "UNIQUE":
        raise sql.unexpected(i + 1)
    return Key("u", [column], name), i + 1


def references(sql: Sql, i: int) -> tuple[str, list[str], int]:
    """Reads ``REFERENCES table [(column, …)]``.

    Returns:
        The table's quoted name, the columns, and the index after them.

    Raises:
        StatementError: it is not that.
    """
    if sql.norm(i) != "REFERENCES":
        raise sql.unexpected(i)
    parts, i = sql.table_name(i + 1)
    columns, i = sql.names(i) if sql.norm(i) == "(" else ([], i)
    return qualified(parts), columns, i
