"""CREATE TABLE, run by the front: the catalogue remembers what PostgreSQL lacks."""

from __future__ import annotations

import time

from redshift_stand_in.context import Context, Run
from redshift_stand_in.sql.decimals import columns as decimal_columns
from redshift_stand_in.sql.lexer import array, literal, quote
from redshift_stand_in.sql.tables import create_table as ddl
from redshift_stand_in.sql.tables.attributes import Key, TableAttributes

#: A column of decimals without precision and scale.
_UNSIZED = "atttypid = 1700 and atttypmod = -1"


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
    context.query(remember(table.name, table.attributes))
    if parent := table.attributes.parent:
        context.query(f"select pg_catalog.redshift_inherit({oid(table.name)}, {oid(parent)})")
    # A foreign key may refer to the table's own primary key.
    for key in sorted(table.attributes.keys, key=lambda key: key.kind == "f"):
        context.query(declare(table.name, key, creating=True))


def _settled(context: Context, table: str, statement: str) -> int:
    """Gives the columns of a CREATE TABLE AS types that Redshift has; returns its number."""
    number_of = oid(table)
    ((_, number, unsized),) = context.query(
        f"select pg_catalog.redshift_settle_types({number_of}), {number_of}, exists (select 1 from "
        f"pg_catalog.pg_attribute where attrelid = {number_of} and {_UNSIZED})"
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
        f"select attname, {_UNSIZED} from pg_catalog.pg_attribute where attrelid = {oid(table)} "
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


def remember(table: str, attributes: TableAttributes) -> str:
    """The statement by which the catalogue remembers a table's attributes."""
    pairs = [item for pair in attributes.encodings.items() for item in pair]
    return (
        "select pg_catalog.redshift_set_attributes("
        f"{oid(table)}, {literal(attributes.diststyle)}, {literal(attributes.distkey)}, "
        f"{literal(attributes.sorttype)}, {array(attributes.sortkeys)}, {attributes.backup}, "
        f"{array(pairs)})"
    )


def declare(table: str, key: Key, *, creating: bool) -> str:
    """The statement by which the catalogue remembers a key."""
    parent = oid(key.parent) if key.parent else "null"
    return (
        f"select pg_catalog.redshift_declare_key({oid(table)}, {literal(key.kind)}, "
        f"{literal(key.name)}, {array(key.columns)}, {parent}, {array(key.parent_columns)}, "
        f"{creating})"
    )


def oid(table: str) -> str:
    """The expression of a table's number."""
    return f"{literal(table)}::pg_catalog.regclass::pg_catalog.oid"
