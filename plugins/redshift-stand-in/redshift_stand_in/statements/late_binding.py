"""Late-binding views: their tables are looked up when they are read, not when they are made."""

from __future__ import annotations

from redshift_stand_in.context import Context
from redshift_stand_in.sql.lexer import Sql, literal


def refresh(context: Context, text: str, written: str | None = None) -> int | None:
    """Looks up again the late-binding views that a statement names.

    Args:
        context: the session.
        text: the statement.
        written: quoted name of the table that it writes to.

    Returns:
        The number of that table, asked for here to save a round trip; None: there is none.

    Raises:
        BackendError: a table of such a view is missing, or lacks a column that it reads.
    """
    names = sorted({t.name for t in Sql(text).tokens if t.is_name})
    if not names:
        return None
    listed = ", ".join(map(literal, names))
    asked = f", redshift_hidden.to_regclass({literal(written)})::oid" if written else ""
    [row] = context.query(
        f"select pg_catalog.redshift_refresh_views(array[{listed}]::text[]){asked}"
    )
    return int(row[1]) if written and row[1] else None
