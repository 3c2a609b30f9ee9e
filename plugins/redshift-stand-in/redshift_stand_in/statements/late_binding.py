"""Views that a statement reads or writes to.

The tables of a late-binding view are looked up when it is read, not when it is made; and no view
can be written to.
"""

from __future__ import annotations

from redshift_stand_in.context import Context
from redshift_stand_in.errors import StatementError
from redshift_stand_in.sql.lexer import Sql, literal

_WRITES = {"INSERT": "insert into", "UPDATE": "update", "DELETE": "delete from"}


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
        StatementError: it writes to a view.
    """
    sql = Sql(text)
    names = sorted({t.name for t in sql.tokens if t.is_name})
    if not names:
        return None
    listed = ", ".join(map(literal, names))
    refreshed = f"select pg_catalog.redshift_refresh_views(array[{listed}]::text[])"
    if not written:
        context.query(refreshed)
        return None
    [(_, number, kind)] = context.query(
        f"{refreshed}, c.oid, c.relkind from (select 1) q left join pg_catalog.pg_class c "
        f"on c.oid = redshift_hidden.to_regclass({literal(written)})"
    )
    if kind == "v":
        raise StatementError(
            f"cannot {_WRITES.get(sql.norm(0), 'write to')} view {written}", "55000"
        )
    return int(number) if number else None
