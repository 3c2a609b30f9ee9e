"""Which table a statement writes to: in Redshift a table has one writer at a time.

Source: "Managing concurrent write operations" in the Amazon Redshift Database Developer Guide: a
write waits until the transaction that writes to the same table has ended, readers do not wait.
"""

from __future__ import annotations

from redshift_stand_in.sql.lexer import Sql, qualified

#: Conflicts with itself and with every write, and not with reads.
MODE = "share row exclusive"


def written_table(sql: Sql) -> str | None:
    """The quoted name of the table that an INSERT, UPDATE, DELETE or MERGE writes to, else None."""
    verb = sql.norm(0)
    if verb in ("INSERT", "MERGE") and sql.norm(1) == "INTO":
        index = 2
    elif verb == "DELETE":
        index = 2 if sql.norm(1) == "FROM" else 1
    elif verb == "UPDATE":
        index = 1
    elif verb == "WITH":
        return None
    else:
        return None
    parts, _ = sql.table_name(index)
    return qualified(parts)


def lock(table: str) -> str:
    """The statement that locks the table for writing."""
    return f"lock table {table} in {MODE} mode"
