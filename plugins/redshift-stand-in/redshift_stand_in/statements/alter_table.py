"""ALTER TABLE, run by the front: what PostgreSQL does, and what the catalogue remembers."""

from __future__ import annotations

from redshift_stand_in.context import Context, Run
from redshift_stand_in.errors import INTERNAL_ERROR, UNDEFINED_COLUMN, StatementError
from redshift_stand_in.sql import locks
from redshift_stand_in.sql.lexer import literal, quote
from redshift_stand_in.sql.tables import alter_table as ddl
from redshift_stand_in.sql.tables import encodings
from redshift_stand_in.sql.tables.attributes import TableAttributes
from redshift_stand_in.statements import tables

#: "ALTER TABLE", ALTER COLUMN … TYPE.
_FIXED_ENCODINGS = frozenset(["bytedict", "runlength", "text255", "text32k"])


def alter(change: ddl.Alter) -> Run:
    """ALTER TABLE."""

    def run(context: Context) -> str:
        _check_alterable(context, change)
        if change.resized:
            context.not_in_transaction("ALTER TABLE ALTER COLUMN")
            _check_resizable(context, change.table, change.resized)
        if change.attributes and not change.ddl:
            _check_attributes(context, change.table, change.attributes)
        with context.transaction():
            if change.dropped:
                context.query(
                    f"select pg_catalog.redshift_check_drop({tables.oid(change.table)}, "
                    f"{literal(change.dropped)}, {change.cascade})"
                )
            if change.ddl:
                context.query(change.ddl)
            else:
                context.query(f"select {literal(change.table)}::pg_catalog.regclass")
            if change.attributes:
                context.query(tables.remember(change.table, change.attributes))
            if change.key:
                context.query(tables.declare(change.table, change.key, creating=False))
        return "ALTER TABLE"

    return run


def _check_alterable(context: Context, change: ddl.Alter) -> None:
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


def _check_attributes(context: Context, table: str, wanted: TableAttributes) -> None:
    """Refuses what a table with an interleaved sort key, a temporary one or a column cannot get."""
    oid = tables.oid(table)
    ((sorttype, temporary, kind),) = context.query(
        f"select (select sorttype from redshift_meta.table_attributes where tbl = {oid}), "
        f"relpersistence = 't', relkind from pg_catalog.pg_class where oid = {oid}"
    )
    if kind == "v":
        raise StatementError(f"{table} is a view: it has no distribution, sort key or encoding")
    if sorttype == "interleaved" and (wanted.encodings or wanted.diststyle not in (None, "auto")):
        raise StatementError("A table with an interleaved sort key has no such ALTER TABLE")
    if temporary == "t" and wanted.diststyle in ("all", "even"):
        raise StatementError("A temporary table has no such ALTER DISTSTYLE")
    if wanted.encodings:
        _check_encodings(context, table, wanted.encodings)


def _check_encodings(context: Context, table: str, wanted: dict[str, str]) -> None:
    columns = _columns(context, table)
    present = context.query(
        f"select col, encoding from redshift_meta.encodings where tbl = {tables.oid(table)}"
    )
    for name, encoding in wanted.items():
        if name not in columns:
            raise StatementError(f'column "{name}" does not exist', UNDEFINED_COLUMN)
        encodings.check(columns[name], encoding)
        if [name, encoding] in present:
            raise StatementError(f'column "{name}" has the encoding {encoding} already')


def _check_resizable(context: Context, table: str, column: str) -> None:
    """Refuses what Redshift refuses: keys (sort keys, as its users report), some encodings."""
    name = literal(column)
    where = (
        f" from pg_catalog.pg_attribute where attrelid = {tables.oid(table)} and attname = {name}"
    )
    ((is_key, encoding, resizable, has_default, is_constrained),) = context.query(
        f"select (select {name} = distkey or {name} = any(sortkeys) "
        f"from redshift_meta.table_attributes where tbl = {tables.oid(table)}), "
        f"(select encoding from redshift_meta.encodings where tbl = {tables.oid(table)} "
        f"and col = {name}), "
        f"(select atttypid in (1043, 6551){where}), (select atthasdef{where}), "
        "exists (select 1 from pg_catalog.redshift_keys k join pg_catalog.pg_attribute a on "
        f"a.attrelid = k.tbl and a.attnum = any (k.columns) where k.tbl = {tables.oid(table)} "
        f"and a.attname = {name})"
    )
    if resizable == "f":
        raise StatementError("ALTER COLUMN TYPE is for columns of VARCHAR and VARBYTE")
    if is_key == "t":
        raise StatementError("found unexpected dependency for column", INTERNAL_ERROR)
    if has_default == "t":
        raise StatementError("cannot alter type of a column with a default value")
    if is_constrained == "t":
        raise StatementError(
            "cannot alter type of a column with UNIQUE, PRIMARY KEY or FOREIGN KEY"
        )
    if encoding in _FIXED_ENCODINGS:
        raise StatementError(f"cannot alter type of a column with encoding {encoding}")


def append(change: ddl.Append) -> Run:
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


def _common(source: dict[str, str], target: dict[str, str], change: ddl.Append) -> list[str]:
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
