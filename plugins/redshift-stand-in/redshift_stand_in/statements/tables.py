"""CREATE and ALTER TABLE, run by the front: the catalogue remembers what PostgreSQL lacks."""

from __future__ import annotations

import time

from redshift_stand_in.context import Context, Run
from redshift_stand_in.errors import INTERNAL_ERROR, StatementError
from redshift_stand_in.sql import locks
from redshift_stand_in.sql.decimals import columns as decimal_columns
from redshift_stand_in.sql.lexer import array, literal, quote
from redshift_stand_in.sql.tables import alter_table
from redshift_stand_in.sql.tables import create_table as ddl
from redshift_stand_in.sql.tables.attributes import Key, TableAttributes

#: A column of decimals without precision and scale.
_UNSIZED = "atttypid = 1700 and atttypmod = -1"
#: "ALTER TABLE", ALTER COLUMN … TYPE.
_FIXED_ENCODINGS = frozenset(["bytedict", "runlength", "text255", "text32k"])


def create_table(table: ddl.CreateTable) -> Run:
    """CREATE TABLE, and what the catalogue remembers of it."""

    def run(context: Context) -> str:
        started = time.time()
        with context.transaction():
            there = table.if_not_exists and context.query(_exists(table.name))
            statement = context.rewritten(table.ddl)
            context.query(statement)
            tag = context.backend.tag
            if not there:
                _remember_all(context, table)
            if table.is_query:
                number = _settled(context, table.name, statement)
                context.journal.begin(number, "CTAS", context.text, started)
                context.journal.count(tag)
        return tag

    return run


def _exists(table: str) -> str:
    return f"select 1 where redshift_hidden.to_regclass({literal(table)}) is not null"


def _remember_all(context: Context, table: ddl.CreateTable) -> None:
    context.query(_remember(table.name, table.attributes))
    # A foreign key may refer to the table's own primary key.
    for key in sorted(table.attributes.keys, key=lambda key: key.kind == "f"):
        context.query(_declare(table.name, key, creating=True))


def _settled(context: Context, table: str, statement: str) -> int:
    """Gives the columns of a CREATE TABLE AS types that Redshift has; returns its number."""
    oid = _oid(table)
    ((_, number, unsized),) = context.query(
        f"select pg_catalog.redshift_settle_types({oid}), {oid}, exists (select 1 from "
        f"pg_catalog.pg_attribute where attrelid = {oid} and {_UNSIZED})"
    )
    if unsized == "t":
        _size_decimals(context, table, statement)
    return int(number or 0)


def query_tree(context: Context, statement: str, names: str = "") -> tuple[str | None, int]:
    """PostgreSQL's parse tree of the query of a CREATE … AS, in its words.

    Args:
        context: the session.
        statement: with the query.
        names: of its columns, in parentheses, where the statement lists them.

    Returns:
        The tree, None if there is none to be had; the number of the function that is AVG of
        decimals.
    """
    query = literal(ddl.query_of(statement))
    ((tree, average),) = context.query(
        f"select * from pg_catalog.redshift_query_tree({query}, {literal(names)})"
    )
    return tree, int(average or 0)


def _size_decimals(context: Context, table: str, statement: str) -> None:
    """Gives computed decimals the precision and scale that Redshift computes."""
    tree, average = query_tree(context, statement)
    if tree is None:
        return
    named = context.query(
        f"select attname, {_UNSIZED} from pg_catalog.pg_attribute where attrelid = {_oid(table)} "
        "and attnum > 0 order by attnum"
    )
    found = decimal_columns.of_query(tree, average)
    changes = [
        f"alter column {quote(str(name))} type numeric({digits.precision}, {digits.scale})"
        for (name, unsized), digits in zip(named, found, strict=True)
        if unsized == "t" and digits
    ]
    if changes:
        context.query(f"alter table {table} {', '.join(changes)}")


def _remember(table: str, attributes: TableAttributes) -> str:
    pairs = [item for pair in attributes.encodings.items() for item in pair]
    return (
        "select pg_catalog.redshift_set_attributes("
        f"{_oid(table)}, {literal(attributes.diststyle)}, {literal(attributes.distkey)}, "
        f"{literal(attributes.sorttype)}, {array(attributes.sortkeys)}, {attributes.backup}, "
        f"{array(pairs)})"
    )


def _declare(table: str, key: Key, *, creating: bool) -> str:
    parent = _oid(key.parent) if key.parent else "null"
    return (
        f"select pg_catalog.redshift_declare_key({_oid(table)}, {literal(key.kind)}, "
        f"{literal(key.name)}, {array(key.columns)}, {parent}, {array(key.parent_columns)}, "
        f"{creating})"
    )


def _oid(table: str) -> str:
    return f"{literal(table)}::pg_catalog.regclass::pg_catalog.oid"


def alter(change: alter_table.Alter) -> Run:
    """ALTER TABLE."""

    def run(context: Context) -> str:
        _check_alterable(context, change)
        if change.resized:
            context.not_in_transaction("ALTER TABLE ALTER COLUMN")
            _check_resizable(context, change.table, change.resized)
        with context.transaction():
            if change.dropped:
                context.query(
                    f"select pg_catalog.redshift_check_drop({_oid(change.table)}, "
                    f"{literal(change.dropped)})"
                )
            if change.ddl:
                context.query(change.ddl)
            else:
                context.query(f"select {literal(change.table)}::pg_catalog.regclass")
            if change.attributes:
                context.query(_remember(change.table, change.attributes))
            if change.key:
                context.query(_declare(change.table, change.key, creating=False))
        return "ALTER TABLE"

    return run


def _check_alterable(context: Context, change: alter_table.Alter) -> None:
    """Refuses materialized views, and what external tables do not have."""
    table = literal(change.table)
    ((_, external),) = context.query(
        f"select pg_catalog.redshift_not_mv({table}), pg_catalog.redshift_is_external({table})"
    )
    if external != "t":
        return
    context.not_in_transaction("ALTER TABLE of an external table")
    if change.ddl is None or not change.on_columns:
        raise StatementError("An external table has no such ALTER TABLE")


def _check_resizable(context: Context, table: str, column: str) -> None:
    """Refuses what Redshift refuses: keys (sort keys, as its users report), some encodings."""
    name = literal(column)
    ((is_key, encoding, resizable, is_constrained),) = context.query(
        f"select (select {name} = distkey or {name} = any(sortkeys) "
        f"from redshift_meta.table_attributes where tbl = {_oid(table)}), "
        f"(select encoding from redshift_meta.encodings where tbl = {_oid(table)} "
        f"and col = {name}), (select atttypid in (1043, 6551) from pg_catalog.pg_attribute where "
        f"attrelid = {_oid(table)} and attname = {name}), "
        "exists (select 1 from pg_catalog.redshift_keys k join pg_catalog.pg_attribute a on "
        f"a.attrelid = k.tbl and a.attnum = any (k.columns) where k.tbl = {_oid(table)} "
        f"and a.attname = {name})"
    )
    if resizable == "f":
        raise StatementError("ALTER COLUMN TYPE is for columns of VARCHAR and VARBYTE")
    if is_key == "t":
        raise StatementError("found unexpected dependency for column", INTERNAL_ERROR)
    if is_constrained == "t":
        raise StatementError(
            "cannot alter type of a column with UNIQUE, PRIMARY KEY or FOREIGN KEY"
        )
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
