"""Names in the SQL that `tidemark.source.mysql.MySQL` runs. Pure.

That SQL is a format of the driver's, in which ``%s`` stands for a value; a ``%`` in a name is
therefore doubled.
"""

from __future__ import annotations

from tidemark_core.names import TableName, mysql_relation, quote_mysql


def mysql_name(identifier: str) -> str:
    """A quoted name."""
    return quote_mysql(identifier).replace("%", "%%")


def mysql_table(table: TableName) -> str:
    """A table's quoted name, with its database."""
    return quoted(table).replace("%", "%%")


def quoted(table: TableName) -> str:
    """A table's quoted name, with its database, as people type it."""
    return mysql_relation(table.schema, table.table)


def add_index(table: TableName, column: str) -> str:
    """The statement, for people, that gives a column an index."""
    return f"ALTER TABLE {quoted(table)} ADD INDEX ({quote_mysql(column)})"
