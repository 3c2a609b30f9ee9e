"""Late-binding views: their tables are looked up when they are read, not when they are made."""

from __future__ import annotations

from redshift_stand_in.context import Context
from redshift_stand_in.sql.lexer import Sql, literal


def refresh(context: Context, text: str) -> None:
    """Looks up again the late-binding views that a statement names.

    Raises:
        BackendError: a table of such a view is missing, or lacks a column that it reads.
    """
    names = sorted({t.name for t in Sql(text).tokens if t.is_name})
    if names:
        listed = ", ".join(map(literal, names))
        context.query(f"select pg_catalog.redshift_refresh_views(array[{listed}]::text[])")
