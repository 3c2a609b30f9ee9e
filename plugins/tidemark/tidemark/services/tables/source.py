"""What MySQL says of the tables that are to be copied."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence

from tap_mysql.query.sql import no_key
from tap_mysql.singer.selection import (
    Chosen,
    collation_warnings,
    key_columns,
    read_columns,
    replication_column,
    stream_schema,
    with_padding,
)
from tap_mysql.source.schema import Column, Table
from target_redshift.model.landing_table import LandingTable
from tidemark_core.errors import ConfigError
from tidemark_core.names import LandingNames, TableName
from tidemark_core.types.column_type import MAX_VARBYTE_BYTES, MAX_VARCHAR_BYTES
from tidemark_core.types.singer_schema import LOG_BASED
from tidemark_core.types.super_columns import (
    MAX_SUPER_BYTES,
    NO_SUPER,
    SuperColumns,
    no_super_key,
    not_in_table,
)

from tidemark.config.tables.rules import select_rule
from tidemark.config.tables.selection import Rules
from tidemark.services.tables.method import Gaps, Method, Remark
from tidemark.source.mysql import MySQL
from tidemark.source.quoting import mysql_name, mysql_table
from tidemark.terminal.format import size

_SCHEMAS = (
    "SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN "
    "('information_schema', 'mysql', 'performance_schema', 'sys') ORDER BY schema_name"
)
#: What may be longer than Redshift takes, and how long that is.
_UNBOUNDED = {
    "mediumtext": MAX_VARCHAR_BYTES,
    "longtext": MAX_VARCHAR_BYTES,
    "json": MAX_VARCHAR_BYTES,
    "mediumblob": MAX_VARBYTE_BYTES,
    "longblob": MAX_VARBYTE_BYTES,
}
#: Tables up to this size are looked through for values that are too long.
_LOOKED_THROUGH = 256 * 2**20


def find_tables(
    mysql: MySQL, patterns: Sequence[str], left_out: Iterable[str], database: str
) -> list[Table]:
    """The tables and views that patterns match.

    Args:
        mysql: The source.
        patterns: ``schema.table`` with wildcards; a bare name is one of ``database``.
        left_out: Patterns of what is not wanted.
        database: The default database.

    Raises:
        ConfigError: One of the patterns matches nothing, or nothing is left of them.
    """
    schemas = [str(name) for (name,) in mysql.rows(_SCHEMAS)]
    wanted = {
        name for pattern in patterns for name in schemas if _may_be_in(name, pattern, database)
    }
    there = mysql.tables(wanted)
    unwanted = {name for name in there if any(fits(name, text, database) for text in left_out)}
    found: dict[TableName, Table] = {}
    for pattern in patterns:
        fitting = [name for name in there if fits(name, pattern, database)]
        if not fitting:
            raise _nothing(pattern, there, schemas)
        found |= {name: there[name] for name in fitting if name not in unwanted}
    if not found:
        raise ConfigError("--except leaves nothing to add", hint="name other tables")
    return list(found.values())


def _nothing(pattern: str, there: Iterable[TableName], schemas: Iterable[str]) -> ConfigError:
    near = ", ".join(map(str, there))
    grant = "or GRANT SELECT, SHOW VIEW ON it TO DB_USER"
    seen = f"the databases that DB_USER sees: {', '.join(schemas) or 'none'}"
    return ConfigError(
        f"MySQL has no table {pattern}, or DB_USER may not read it",
        hint=f"choose of {near}; {grant}" if near else f"choose of {seen}; {grant}",
    )


def _splits(pattern: str, database: str) -> Iterator[tuple[str, str]]:
    """How a pattern may be read: a schema's name may have dots in it, and so may a table's."""
    parts = pattern.split(".")
    if len(parts) == 1:
        yield database, pattern
    for number in range(1, len(parts)):
        yield ".".join(parts[:number]), ".".join(parts[number:])


def _like(name: str, pattern: str) -> bool:
    return name == pattern or fnmatch.fnmatchcase(name, pattern)


def _may_be_in(schema: str, pattern: str, database: str) -> bool:
    return any(_like(schema, part) for part, _ in _splits(pattern, database))


def fits(table: TableName, pattern: str, database: str) -> bool:
    """Whether a pattern matches a table."""
    return any(
        _like(table.schema, schema) and _like(table.table, name)
        for schema, name in _splits(pattern, database)
    )


def gaps(mysql: MySQL, table: Table) -> Gaps:
    """Asks whether some rows have no value in a column: NULL, or a zero date."""

    def ask(column: Column) -> bool:
        where = no_key(column.name, column.data_type).replace("%", "%%")
        return bool(mysql.rows(f"SELECT 1 FROM {mysql_table(table.name)} WHERE {where} LIMIT 1"))

    return ask


def why_no_log(mysql: MySQL, table: TableName) -> Remark | None:
    """Why the server's log cannot be read, or has nothing of a table; None: it can be."""
    fatal = (problem for problem in mysql.log_problems() if problem.fatal)
    problem = next(fatal, None) or mysql.unlogged([table]).get(table)
    if problem is None:
        return None
    told = f"{problem.setting} is {problem.found}, but must be {problem.wanted}"
    return Remark(f"the server's log cannot be read: {told}", problem.statement)


def log_remarks(mysql: MySQL, table: Table, method: Method) -> list[Remark]:
    """What the server's log does not tell of a table."""
    if method.name != LOG_BASED:
        return []
    parents = mysql.cascades([table.name]).get(table.name, ())
    return [
        Remark(
            f"the log does not contain rows that a change of {parent} deletes or changes here "
            "(foreign key with CASCADE or SET NULL; from MySQL 9.6 it does)",
            f"in cron, tidemark reconcile -t {table.name} --yes",
        )
        for parent in parents
    ]


def landing_table(
    table: Table,
    method: Method,
    rules: Rules,
    name: str,
    super_columns: SuperColumns = NO_SUPER,
) -> LandingTable:
    """The landing table that the loader would make of a table.

    Args:
        table: The table.
        method: How it is copied.
        rules: Which of its columns are left out.
        name: What its copy is called.
        super_columns: Which of its columns are SUPER.

    Raises:
        ConfigError: A column's type or name is not supported, there are too many columns, or a
            column is to be SUPER that is not there or cannot be.
        SourceError: It is a view of something that is gone.
    """
    chosen = Chosen(
        method=method.name,
        replication_key=method.key,
        key_properties=rules.of(table.name).key_properties,
        columns={c.name: not rules.leaves_out(table.name, c.name) for c in table.columns},
    )
    keys = key_columns(table, chosen)
    columns = read_columns(table, chosen, replication_column(table, chosen), keys)
    schema = with_padding(stream_schema(table), table, keys)
    properties = {column.name: schema["properties"][column.name] for column in columns}
    names = LandingNames({str(table.name): name})
    for missing in super_columns.missing(table.name, properties):
        raise not_in_table(table.name, missing)
    landing = LandingTable.from_schema(
        table.name, {"properties": properties}, keys, names, super_columns
    )
    if any(column.is_super and column.source == method.key for column in landing.columns):
        raise no_super_key(table.name, str(method.key), "the replication key")
    return landing


def remarks(mysql: MySQL, table: Table, landing: LandingTable) -> list[Remark]:
    """What should be known of a table's keys and values before it is copied."""
    keys = tuple(column.source for column in landing.keys)
    found = [Remark(told) for _, told in collation_warnings(table, keys)]
    for column in landing.columns:
        source = table.column(column.source)
        if source is not None and source.data_type in _UNBOUNDED:
            limit = MAX_SUPER_BYTES if column.is_super else _UNBOUNDED[source.data_type]
            found += _too_long(mysql, table, source, limit)
    return found


def _too_long(mysql: MySQL, table: Table, column: Column, limit: int) -> list[Remark]:
    hint = (
        "REDSHIFT_TOO_LONG=null or truncate in .env loads the table anyway, or exclude the column: "
        f"'!{select_rule(table.name, column.name)}' in extract/extractors.meltano.yml"
    )
    if table.is_view or table.rows * table.row_bytes > _LOOKED_THROUGH:
        told = f"{column.name} may contain more than the {size(limit)} that Redshift allows"
        return [Remark(told, hint)]
    name = mysql_name(column.name)
    read = name if column.character_set is None else f"CONVERT({name} USING utf8mb4)"
    (longest,) = mysql.row(f"SELECT max(octet_length({read})) FROM {mysql_table(table.name)}")
    if longest is None or int(longest) <= limit:
        return []
    told = f"{column.name} holds up to {size(int(longest))}, but Redshift allows {size(limit)}"
    return [Remark(told, hint)]
