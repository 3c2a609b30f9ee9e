"""Names in the SQL that `tidemark.source.mysql.MySQL` runs. Pure.

That SQL is a format of the driver's, in which ``%s`` stands for a value; a ``%`` in a name is
therefore doubled.
"""

from __future__ import annotations

from tidemark_core.names import TableName, quote_mysql


def mysql_name(identifier: str) -> str:
    """A quoted name."""
    return quote_mysql(identifier).replace("%", "%%")


def mysql_table(table: TableName) -> str:
    """A table's quoted name, with its database."""
    return f"{mysql_name(table.schema)}.{mysql_name(table.table)}"
