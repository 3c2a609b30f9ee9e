"""CREATE and ALTER TABLE, run by the front: the catalogue remembers what PostgreSQL lacks."""

from __future__ import annotations

from redshift_stand_in.context import Context, Run
from redshift_stand_in.errors import INTERNAL_ERROR, StatementError
from redshift_stand_in.sql import locks
from redshift_stand_in.sql.lexer import array, literal, quote
from redshift_stand_in.sql.tables import alter_table
from redshift_stand_in.sql.tables import create_table as ddl
from redshift_stand_in.sql.tables.attributes import TableAttributes

#: "ALTER TABLE", ALTER COLUMN … TYPE.
_FIXED_ENCODINGS = frozenset(["bytedict", "runlength", "text255", "text32k"])


def create_table(table: ddl.CreateTable) -> Run:
    """CREATE TABLE, and what the catalogue remembers of it."""

    def run(context: Context) -> str:
        with context.transaction():
            exists = (
                f"select 1 where redshift_hidden.to_regclass({literal(table.name)}) is not null"
            )
            there = table.if_not_exists and context.query(exists)
            context.query(context.rewritten(table.ddl))
            tag = context.backend.tag
            if there:
                return tag
            context.query(_remember(table.name, table.attributes))
            if table.is_query:
                context.query(f"select pg_catalog.redshift_settle_types({_oid(table.name)})")
        return tag

    return run


def _remember(table: str, attributes: TableAttributes) -> str:
    pairs = [item for pair in attributes.encodings.items() for item in pair]
    constraints = [
        item
        for kind, columns, rest in attributes.constraints
        for item in (kind, ",".join(columns), rest)
    ]
    return (
        "select pg_catalog.redshift_set_attributes("
        f"{_oid(table)}, {literal(attributes.diststyle)}, {literal(attributes.distkey)}, "
        f"{literal(attributes.sorttype)}, {array(attributes.sortkeys)}, {attributes.backup}, "
        f"{array(pairs)}, {array(constraints)})"
    )


def _oid(table: str) -> str:
    return f"{literal(table)}::pg_catalog.regclass::pg_catalog.oid"


def alter(change: alter_table.Alter) -> Run:
    """ALTER TABLE."""

    def run(context: Context) -> str:
        if change.resized:
            context.not_in_transaction("ALTER TABLE ALTER COLUMN")
            _check_resizable(context, change.table, change.resized)
        with context.transaction():
            if change.ddl:
                context.query(change.ddl)
            else:
                context.query(f"select {literal(change.table)}::pg_catalog.regclass")
            if change.attributes:
                context.query(_remember(change.table, change.attributes))
        return "ALTER TABLE"

    return run


def _check_resizable(context: Context, table: str, column: str) -> None:
    """Refuses what Redshift refuses: keys (as its users report), and columns of some encodings."""
    name = literal(column)
    ((is_key, encoding, resizable),) = context.query(
        f"select (select {name} = distkey or {name} = any(sortkeys) "
        f"from redshift_meta.table_attributes where tbl = {_oid(table)}), "
        f"(select encoding from redshift_meta.encodings where tbl = {_oid(table)} "
        f"and col = {name}), (select atttypid in (1043, 6551) from pg_catalog.pg_attribute where "
        f"attrelid = {_oid(table)} and attname = {name})"
    )
    if resizable == "f":
        raise StatementError("ALTER COLUMN TYPE is for columns of VARCHAR and VARBYTE")
    if is_key == "t":
        raise StatementError("found unexpected dependency for column", INTERNAL_ERROR)
    if encoding in _FIXED_ENCODINGS:
        raise StatementError(f"cannot alter type of a column with encoding {encoding}")


def append(change: alter_table.Append) -> Run:
    """ALTER TABLE APPEND: moves all rows; commits at once."""

    def run(context: Context) -> str:
        context.not_in_transaction("ALTER TABLE APPEND")
        with context.transaction():
            context.query(locks.lock(change.target))
            context.query(f"lock table {change.source} in access exclusive mode")
            source, target = _columns(context, change.source), _columns(context, change.target)
            columns = _common(source, target, change)
            listed = ", ".join(map(quote, columns))
            context.query(
                f"insert into {change.target} ({listed}) select {listed} from {change.source}"
            )
            context.query(f"truncate table {change.source}")
        return "ALTER TABLE APPEND"

    return run


def _columns(context: Context, table: str) -> dict[str, str]:
    rows = context.query(
        "select attname, pg_catalog.format_type(atttypid, atttypmod) from pg_catalog.pg_attribute "
        f"where attrelid = {literal(table)}::pg_catalog.regclass and attnum > 0 and not "
        f"attisdropped "
        "order by attnum"
    )
    return {str(name): str(kind) for name, kind in rows}


def _common(
    source: dict[str, str], target: dict[str, str], change: alter_table.Append
) -> list[str]:
    if set(source) - set(target) and not change.ignore_extra:
        raise StatementError(
            "ALTER TABLE APPEND: the source table has columns that the target has not"
        )
    if set(target) - set(source) and not change.fill_target:
        raise StatementError(
            "ALTER TABLE APPEND: the target table has columns that the source has not"
        )
    columns = [name for name in target if name in source]
    for name in columns:
        if source[name] != target[name]:
            raise StatementError(
                f'ALTER TABLE APPEND: column "{name}" differs in type between the tables'
            )
    return columns
