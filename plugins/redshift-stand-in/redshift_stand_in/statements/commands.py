"""Commands that the front runs itself: a function takes the statement and returns what runs it.

Those that define tables are in `tables`.
"""

from __future__ import annotations

import time

from redshift_stand_in import catalogue
from redshift_stand_in.context import Context, Run
from redshift_stand_in.errors import INVALID_PARAMETER, NotInStandIn, StatementError
from redshift_stand_in.sql.lexer import Sql, array, literal, qualified, quote
from redshift_stand_in.sql.rewrite.merge import Merge
from redshift_stand_in.sql.tables.views import LateBindingView

_VACUUM_KINDS = frozenset(["FULL", "SORT", "DELETE", "REINDEX", "RECLUSTER"])


def vacuum(sql: Sql) -> Run:
    """VACUUM does nothing, but it must be allowed here and the table must exist."""
    index = 3 if sql.norms(1, 2) == ("SORT", "ONLY") or sql.norms(1, 2) == ("DELETE", "ONLY") else 1
    if index == 1 and sql.norm(1) in _VACUUM_KINDS:
        index = 2
    table = None
    if index < len(sql):
        table = qualified(sql.table_name(index)[0])
    _check_threshold(sql)

    def run(context: Context) -> str:
        context.not_in_transaction("VACUUM")
        if table:
            context.query(f"select {literal(table)}::pg_catalog.regclass")
        if table and sql.norm(1) == "RECLUSTER":
            _check_recluster(context, table)
        return "VACUUM"

    return run


def _check_threshold(sql: Sql) -> None:
    """TO *threshold* PERCENT: an integer between 0 and 100."""
    for i, token in enumerate(sql.tokens):
        if token.norm == "TO" and not (sql.near(i + 1).isdigit() and int(sql.near(i + 1)) <= 100):
            raise StatementError(
                f"VACUUM threshold {sql.near(i + 1)} is not between 0 and 100", INVALID_PARAMETER
            )


def _check_recluster(context: Context, table: str) -> None:
    found = context.query(
        "select 1 from redshift_meta.table_attributes where "
        f"tbl = {literal(table)}::pg_catalog.regclass "
        "and (sorttype = 'interleaved' or diststyle = 'all')"
    )
    if found:
        raise StatementError(
            "VACUUM RECLUSTER is not supported with an interleaved sort key or DISTSTYLE ALL"
        )


def analyze(sql: Sql) -> Run:
    """ANALYZE, with PREDICATE COLUMNS or ALL COLUMNS."""
    index = 2 if sql.norm(1) == "VERBOSE" else 1
    table, behind = ([], index) if index >= len(sql) else sql.table_name(index)
    columns = sql.between(behind, sql.close(behind) + 1) if sql.norm(behind) == "(" else ""

    def run(context: Context) -> str:
        context.query(f"analyze {qualified(table)}{columns}")
        return "ANALYZE"

    return run


def truncate(sql: Sql) -> Run:
    """TRUNCATE commits the transaction that it runs in ("TRUNCATE" in the Developer Guide)."""
    index = 2 if sql.norm(1) == "TABLE" else 1
    parts, behind = sql.table_name(index)
    if behind < len(sql):
        raise sql.unexpected(behind)

    def run(context: Context) -> str:
        context.query(f"truncate table {qualified(parts)}")
        if context.in_transaction:
            context.query("commit")
        return "TRUNCATE TABLE"

    return run


def lock(sql: Sql) -> Run:
    """LOCK locks the table exclusively; outside a transaction the lock ends with the statement."""
    index = 2 if sql.norm(1) == "TABLE" else 1
    tables = []
    while index < len(sql):
        parts, index = sql.table_name(index)
        tables.append(qualified(parts))
        if index < len(sql) and sql.norm(index) != ",":
            raise sql.unexpected(index)
        index += 1

    def run(context: Context) -> str:
        with context.transaction():
            context.query(f"lock table {', '.join(tables)} in access exclusive mode")
            for table in tables:
                _check_is_no_view(context, table)
        return "LOCK TABLE"

    return run


def _check_is_no_view(context: Context, table: str) -> None:
    ((kind,),) = context.query(
        f"select relkind from pg_catalog.pg_class where oid = {literal(table)}::pg_catalog.regclass"
    )
    if kind == "v":
        raise StatementError(f"{table} is not a table", "42809")


def merge(found: Merge, statements: list[str]) -> Run:
    """MERGE, after a check that its source is a table."""

    def run(context: Context) -> str:
        with context.transaction():
            started = time.time()
            context.lock_for_write(qualified(found.target))
            ((kind, source, table),) = context.query(
                "select relkind, oid, "
                f"{literal(qualified(found.target))}::pg_catalog.regclass::oid "
                "from pg_catalog.pg_class where oid = "
                f"{literal(qualified(found.source))}::pg_catalog.regclass"
            )
            if source == table:
                raise StatementError("source and target of a MERGE cannot be the same table")
            if kind != "r":
                raise StatementError(
                    "The source of a MERGE must be a table: a view is not supported by Amazon "
                    "Redshift"
                )
            context.journal.begin(int(table or 0), "MERGE", context.text, started)
            for statement in statements:
                context.query(statement)
            context.journal.count(context.backend.tag)
            return context.backend.tag if len(statements) == 1 else "MERGE"

    return run


def create_late_binding_view(view: LateBindingView) -> Run:
    """CREATE VIEW … WITH NO SCHEMA BINDING."""

    def run(context: Context) -> str:
        with context.transaction():
            context.query(
                f"select pg_catalog.redshift_create_view({literal(view.name)}, "
                f"{literal(context.rewritten(view.body))}, "
                f"{array(view.columns)}, {view.replace}, {literal(context.text.rstrip('; '))})"
            )
        return "CREATE VIEW"

    return run


def schema_of_a_database(sql: Sql) -> Run | None:
    """CREATE or DROP SCHEMA database.schema, as dbt writes it for data sharing; else None."""
    index = next(i for i in range(2, len(sql)) if sql.norm(i) not in ("IF", "NOT", "EXISTS"))
    if sql.norm(index + 1) != ".":
        return None
    database = sql.tokens[index].name
    statement = sql.edited([sql.cut(index, index + 2)])

    def run(context: Context) -> str:
        if database != context.database:
            raise NotInStandIn("A schema of another database is")
        context.query(context.rewritten(statement))
        return f"{sql.norm(0)} SCHEMA"

    return run


def create_principal(sql: Sql, statement: str) -> Run:
    """CREATE USER, GROUP or ROLE; whoever makes a user gets its rights, as a superuser has them."""
    name = sql.tokens[2].name

    def run(context: Context) -> str:
        with context.transaction():
            context.query(statement)
            if sql.norm(1) == "USER":
                context.query(f"grant {quote(name)} to current_user")
        return context.backend.tag if context.in_transaction else f"CREATE {sql.norm(1)}"

    return run


def create_database(sql: Sql) -> Run:
    """CREATE DATABASE, with the catalogue in it."""
    name = sql.tokens[2].name
    if sql.words & {"COLLATE", "ISOLATION", "CONNECTION"}:
        raise NotInStandIn("CREATE DATABASE with COLLATE, ISOLATION LEVEL or CONNECTION LIMIT is")

    def run(context: Context) -> str:
        context.not_in_transaction("CREATE DATABASE")
        context.query(sql.text)
        address = context.backend.address
        catalogue.install(address.directory, address.port, name, superuser=address.superuser)
        return "CREATE DATABASE"

    return run


def isolation(database: str, level: str) -> Run:
    """ALTER DATABASE … ISOLATION LEVEL, for sessions that begin after it."""
    setting = {"SERIALIZABLE": "serializable", "SNAPSHOT": "repeatable read"}[level]

    def run(context: Context) -> str:
        context.not_in_transaction("ALTER DATABASE ISOLATION LEVEL")
        if database != context.database:
            raise NotInStandIn("ALTER DATABASE of another database is")
        context.query(
            f"alter database {quote(database)} set default_transaction_isolation = '{setting}'"
        )
        return "ALTER DATABASE"

    return run
