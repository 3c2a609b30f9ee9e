"""Materialized views: CREATE, ALTER, DROP and REFRESH.

A materialized view is a view on a table, as on a cluster; a hidden view, its query, fills the
table. The catalogue ties the three together.
"""

from __future__ import annotations

import secrets

from redshift_stand_in.context import Context, Run
from redshift_stand_in.sql.lexer import Sql, literal, qualified
from redshift_stand_in.sql.materialized import statements as ddl
from redshift_stand_in.sql.tables import alter_table, create_table
from redshift_stand_in.statements import alter_table as alterations
from redshift_stand_in.statements import tables

_OUTCOMES = {
    "MV was already updated": "is already up to date.",
    "Refresh successfully updated MV incrementally": "was incrementally updated successfully.",
    "Refresh successfully recomputed MV from scratch": "was recomputed successfully.",
}
_BEHIND = "  However, it depends on another materialized view that is not up to date."


def command(sql: Sql) -> Run:
    """What runs a statement about a materialized view."""
    head = sql.norm(0)
    if head == "CREATE":
        return create(ddl.parse(sql))
    if head == "DROP":
        return drop(ddl.parse_drop(sql))
    parts, index = sql.table_name(3)
    if head == "REFRESH":
        return refresh(parts, cascade=sql.norm(index) == "CASCADE")
    if sql.norm(index) == "AUTO":
        return auto_refresh(qualified(parts), wanted=sql.norm(index + 2) == "YES")
    return alter(parts, sql.rest(index))


def create(view: ddl.MaterializedView) -> Run:
    """CREATE MATERIALIZED VIEW."""

    def run(context: Context) -> str:
        hidden = f"mv_{view.parts[-1]}_{secrets.token_hex(4)}"
        query = context.shortened(qualified(["redshift_meta", hidden]))
        storage = context.shortened(qualified(ddl.storage(view.parts)))
        with context.transaction():
            context.query(f"create view {query} as {context.rewritten(view.body)}")
            tables.create_table(_table(view, storage))(context)
            context.query(
                f"create view {view.name} as with stored as (select * from {storage}) "
                "select * from stored"
            )
            context.query(_registration(view, storage, query))
        if view.recomputed_for:
            context.notice(_recomputed(view, context), "WARNING")
        return "CREATE MATERIALIZED VIEW"

    return run


def _table(view: ddl.MaterializedView, storage: str) -> create_table.CreateTable:
    return create_table.CreateTable(
        f"create table {storage} as {view.body}",
        storage,
        view.attributes,
        is_query=True,
        if_not_exists=False,
    )


def _registration(view: ddl.MaterializedView, storage: str, query: str) -> str:
    return (
        f"select pg_catalog.redshift_register_mv({_oid(view.name)}, {_oid(storage)}, "
        f"{_oid(query)}, {literal(view.text)}, {view.auto_refresh}, "
        f"{view.recomputed_for is None}, {view.mutable}, {view.serves_rewriting})"
    )


def _recomputed(view: ddl.MaterializedView, context: Context) -> str:
    name = context.names.restored_text(view.parts[-1])
    return (
        "An incrementally maintained materialized view could not be created, reason: "
        f"{view.recomputed_for}. The materialized view created, {name}, will be recomputed from "
        "scratch for every REFRESH."
    )


def refresh(parts: list[str], *, cascade: bool) -> Run:
    """REFRESH MATERIALIZED VIEW; other refreshes of it wait, its readers do not."""
    name = qualified(parts)

    def run(context: Context) -> str:
        with context.transaction():
            context.lock_for_write(name)
            [(outcome, waits)] = context.query(
                f"select * from pg_catalog.redshift_refresh_mv({_own(name)}, {cascade})"
            )
        behind = _BEHIND if waits == "t" else ""
        shown = context.names.restored_text(parts[-1])
        context.notice(f"Materialized view {shown} {_OUTCOMES[str(outcome)]}{behind}")
        return "REFRESH"

    return run


def auto_refresh(name: str, *, wanted: bool) -> Run:
    """ALTER MATERIALIZED VIEW … AUTO REFRESH."""

    def run(context: Context) -> str:
        context.query(f"select pg_catalog.redshift_auto_refresh({_own(name)}, {wanted})")
        return "ALTER MATERIALIZED VIEW"

    return run


def alter(parts: list[str], action: str) -> Run:
    """ALTER MATERIALIZED VIEW … ALTER: distribution and sort key are those of its table."""

    def run(context: Context) -> str:
        storage = context.shortened(qualified(ddl.storage(parts)))
        change = alter_table.parse(Sql(f"alter table {storage} {action}"))
        with context.transaction():
            context.query(f"select {_own(qualified(parts))}")
            if isinstance(change, alter_table.Alter):
                alterations.alter(change)(context)
        return "ALTER MATERIALIZED VIEW"

    return run


def drop(wanted: ddl.Drop) -> Run:
    """DROP MATERIALIZED VIEW."""

    def run(context: Context) -> str:
        with context.transaction():
            found = [name for name in wanted.names if _is_there(context, name, wanted)]
            if found:
                own = ", ".join(map(_own, found))
                context.query(f"select pg_catalog.redshift_drop_mv(array[{own}], {wanted.cascade})")
        return "DROP MATERIALIZED VIEW"

    return run


def _is_there(context: Context, name: str, wanted: ddl.Drop) -> bool:
    there = f"select 1 where redshift_hidden.to_regclass({literal(name)}) is not null"
    if not wanted.if_exists or context.query(there):
        return True
    shown = context.names.restored_text(name.replace('"', ""))
    context.notice(f'Materialized View "{shown}" does not exist and will be skipped')
    return False


def _own(name: str) -> str:
    """The number of a materialized view that the user must own."""
    return f"pg_catalog.redshift_own_mv({literal(name)})"


def _oid(name: str) -> str:
    return f"{literal(name)}::pg_catalog.regclass::pg_catalog.oid"
