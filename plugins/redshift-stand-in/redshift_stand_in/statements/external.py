"""External schemas and tables: stubs, of which the catalogue tells what it was told."""

from __future__ import annotations

from redshift_stand_in.context import Context, Run
from redshift_stand_in.errors import StatementError
from redshift_stand_in.sql.external import schemas, tables
from redshift_stand_in.sql.lexer import Sql, array, literal, qualified, quote
from redshift_stand_in.sql.tables import create_table, view_columns
from redshift_stand_in.statements import tables as table_commands


def command(sql: Sql) -> Run | None:
    """What runs a statement about an external schema or table; None for others."""
    head = sql.norms(0, 2)
    if head == ("CREATE", "EXTERNAL"):
        if sql.norm(2) == "SCHEMA":
            return create_schema(schemas.parse(sql))
        return create(tables.parse(sql))
    if head == ("ALTER", "TABLE") and tables.is_alter(sql):
        return alter(tables.parse_alter(sql))
    if head == ("DROP", "SCHEMA") and schemas.drops_database(sql):
        return drop_schema(schemas.parse_drop(sql))
    return None


def create_schema(schema: schemas.ExternalSchema) -> Run:
    """CREATE EXTERNAL SCHEMA: nothing is connected."""
    name = quote(schema.name)

    def run(context: Context) -> str:
        with context.transaction():
            if schema.if_not_exists and _schema_exists(context, name):
                context.notice(f'Schema "{schema.name}" already exists and will be skipped')
                return "CREATE SCHEMA"
            context.query(f"create schema {name}")
            context.query(
                "select pg_catalog.redshift_register_external_schema("
                f"redshift_hidden.to_regnamespace({literal(name)})::pg_catalog.oid, {schema.kind}, "
                f"{literal(schema.database)}, {literal(schema.options)})"
            )
        return "CREATE SCHEMA"

    return run


def _schema_exists(context: Context, name: str) -> bool:
    return bool(
        context.query(
            f"select 1 where redshift_hidden.to_regnamespace({literal(name)}) is not null"
        )
    )


def drop_schema(wanted: schemas.DropSchema) -> Run:
    """DROP SCHEMA … DROP EXTERNAL DATABASE."""

    def run(context: Context) -> str:
        with context.transaction():
            if not wanted.cascade:
                _check_empty(context, wanted.names)
            end = "cascade" if wanted.cascade else "restrict"
            exists = "if exists " if wanted.if_exists else ""
            context.query(f"drop schema {exists}{', '.join(wanted.names)} {end}")
        return "DROP SCHEMA"

    return run


def _check_empty(context: Context, names: list[str]) -> None:
    listed = ", ".join(f"redshift_hidden.to_regnamespace({literal(name)})" for name in names)
    if context.query(
        "select 1 from redshift_meta.external_tables x join pg_catalog.pg_class c on c.oid = x.tbl "
        f"where c.relnamespace in ({listed})"
    ):
        raise StatementError(
            "cannot drop the external database because it has tables: use CASCADE", "2BP01"
        )


def create(table: tables.ExternalTable) -> Run:
    """CREATE EXTERNAL TABLE: a table that has no rows, and takes none."""
    name = qualified(table.parts)
    ddl = create_table.parse(Sql(f"create table {name} ({table.columns})"))

    def run(context: Context) -> str:
        context.not_in_transaction("CREATE EXTERNAL TABLE")
        schema = quote(table.parts[-2])
        with context.transaction():
            context.query(f"select pg_catalog.redshift_check_external_schema({literal(schema)})")
            table_commands.create_table(ddl)(context)
            context.query(_registration(table, name))
        shown = context.names.restored_text(".".join(table.parts))
        context.notice(f"The local Redshift stand-in reads no files: {shown} has no rows here")
        return "CREATE EXTERNAL TABLE"

    return run


def _registration(table: tables.ExternalTable, name: str) -> str:
    storage = table.storage
    texts = [storage.location, *storage.formats, storage.serde_parameters, storage.parameters]
    return (
        "select pg_catalog.redshift_register_external_table("
        f"{literal(name)}::pg_catalog.regclass::pg_catalog.oid, {array(table.partitioned_by)}, "
        f"{', '.join(map(literal, texts))})"
    )


def alter(change: tables.AlterExternal) -> Run:
    """ALTER TABLE of an external table's files and partitions."""

    def run(context: Context) -> str:
        context.not_in_transaction("ALTER TABLE of an external table")
        own = f"pg_catalog.redshift_own_external_table({literal(change.name)})"
        with context.transaction():
            context.query(f"select {own}")
            if change.storage:
                context.query(_storage_change(own, change.storage))
            for partition in change.partitions:
                context.query(_partition_change(own, partition, change.if_not_exists))
        return "ALTER TABLE"

    return run


def _storage_change(own: str, storage: tables.Storage) -> str:
    texts = [storage.location, *storage.formats, storage.parameters]
    return (
        f"select pg_catalog.redshift_alter_external_table({own}, {', '.join(map(literal, texts))})"
    )


def _partition_change(own: str, partition: tables.Partition, if_not_exists: bool) -> str:
    return (
        f"select pg_catalog.redshift_external_partition({own}, {literal(partition.action)}, "
        f"{array(partition.columns)}, {array(partition.values)}, {literal(partition.location)}, "
        f"{if_not_exists})"
    )


def create_view(sql: Sql) -> Run:
    """CREATE VIEW with schema binding, which no external table can have."""
    first = 4 if sql.norm(1) == "OR" else 2
    name = qualified(sql.table_name(first)[0])

    def run(context: Context) -> str:
        with context.transaction():
            context.query(_sized(context, context.rewritten(sql.text)))
            context.query(
                "select pg_catalog.redshift_check_view("
                f"{literal(name)}::pg_catalog.regclass::pg_catalog.oid)"
            )
        return "CREATE VIEW"

    return run


def _sized(context: Context, statement: str) -> str:
    names = view_columns.named(Sql(statement))
    tree, average = table_commands.query_tree(context, statement, names)
    return view_columns.sized(statement, tree, average) if tree else statement
