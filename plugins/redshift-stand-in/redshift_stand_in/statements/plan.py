"""What is to be done with one statement: relay it, or run it in the front."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from redshift_stand_in import assumerole
from redshift_stand_in.context import Context, Run
from redshift_stand_in.copy import command as copy_command
from redshift_stand_in.errors import SYNTAX_ERROR, StatementError
from redshift_stand_in.sql import locks, refuse
from redshift_stand_in.sql.checks import parameters
from redshift_stand_in.sql.lexer import Sql, split_statements
from redshift_stand_in.sql.materialized import statements as materialized_views
from redshift_stand_in.sql.rewrite import by_columns, expressions, grants, merge, show
from redshift_stand_in.sql.tables import alter_table, create_table, views
from redshift_stand_in.sql.words import words
from redshift_stand_in.statements import alter_table as alterations
from redshift_stand_in.statements import commands, external, materialized, tables
from redshift_stand_in.unload import command as unload_command

_ISOLATION = re.compile(r"^ALTER DATABASE ([\w\"]+) ISOLATION LEVEL (SERIALIZABLE|SNAPSHOT)$")
_FIXED_SETTINGS = re.compile(
    r"^SET (?:SESSION |LOCAL )?(STANDARD_CONFORMING_STRINGS|BYTEA_OUTPUT|ROLE) ?"
)

#: What shows the writes; a view over them is up to two seconds late.
_HISTORY = words("SYS_QUERY_HISTORY SYS_QUERY_DETAIL STL_QUERY STL_INSERT STL_DELETE")

_COMMANDS: dict[str, Callable[[Sql], Run]] = {
    "ANALYZE": commands.analyze,
    "LOCK": commands.lock,
    "TRUNCATE": commands.truncate,
    "VACUUM": commands.vacuum,
}


@dataclass(frozen=True)
class Plan:
    """What is done with a statement.

    Attributes:
        sql: what PostgreSQL gets; empty when the front runs the statement itself.
        run: runs it in the front and returns the command tag; None when PostgreSQL runs it.
        writes: quoted name of the table that must be locked for writing first, or None.
        text: the statement as the client sent it, but for its long names.
        late_binding: whether late-binding views that it reads have to be looked up first.
        by_columns: whether `sql` is still in Redshift's words, to be rewritten once the columns
            are known (:meth:`Context.rewritten`).
        verb: the statement's first word.
        reads_history: whether it reads what statements have written.
    """

    sql: str
    run: Run | None = None
    writes: str | None = None
    text: str = ""
    late_binding: bool = False
    by_columns: bool = False
    verb: str = ""
    reads_history: bool = False


def make(text: str, shortened: Callable[[Sql], Sql] = lambda sql: sql) -> Plan:
    """Plans one statement. A statement that is refused has a plan that fails when it is run.

    Args:
        text: one statement, with or without its semicolon.
        shortened: gives the statement without names that are too long for PostgreSQL.
    """
    try:
        return _make(text, shortened)
    except StatementError as error:
        return Plan("", run=_failing(error), text=text)


def _failing(error: StatementError) -> Run:
    def fail(_: Context) -> str:
        raise error

    return fail


def _make(text: str, shortened: Callable[[Sql], Sql]) -> Plan:
    statements = split_statements(text)
    if not statements:
        return Plan("", text=text)
    if len(statements) > 1:
        raise StatementError(
            "cannot insert multiple commands into a prepared statement", SYNTAX_ERROR
        )
    given = Sql(statements[0])
    sql = shortened(given)
    if sql is not given:
        text = sql.text
    run = _front_command(sql)
    if run:
        return Plan("", run=run, text=text)
    if sql.norm(0) == "SHOW" and (query := show.query(sql)):
        return Plan(query, text=text, reads_history=sql.norm(1) == "TABLES")
    refuse.check(sql)
    if sql.norm(0) in ("SET", "SHOW", "RESET"):
        return Plan(_prefixed_setting(sql), text=text)
    run = _rewritten_command(sql)
    if run:
        return Plan("", run=run, text=text)
    rewritten = grants.rewrite(sql)
    if rewritten is not None:
        return Plan(rewritten, text=text)
    reads = sql.norm(0) in ("SELECT", "WITH", "(", "INSERT", "UPDATE", "DELETE")
    later = by_columns.are_needed(sql)
    return Plan(
        sql.text if later else expressions.rewrite(sql.text),
        writes=locks.written_table(sql),
        text=text,
        late_binding=reads,
        by_columns=later,
        verb=sql.norm(0),
        reads_history=not _HISTORY.isdisjoint(sql.words),
    )


def _front_command(sql: Sql) -> Run | None:
    """What runs a command that would be refused, or misread as PostgreSQL's; None for others."""
    head = sql.norm(0)
    if head == "COPY" and any(t.kind == "string" for t in sql.tokens):
        if "STDIN" in sql.words or "STDOUT" in sql.words:
            return None
        return copy_command.plan(sql)
    if head == "UNLOAD":
        return unload_command.plan(sql)
    if assumerole.is_meant(sql):
        return assumerole.plan(sql)
    if sql.norms(0, 2) == ("ANALYZE", "COMPRESSION"):
        raise StatementError("ANALYZE COMPRESSION is not supported by the local Redshift stand-in")
    if match := _ISOLATION.match(sql.shape):
        return commands.isolation(sql.tokens[2].name, match[2])
    if match := _FIXED_SETTINGS.match(sql.shape):
        raise StatementError(f"parameter {match[1].lower()} cannot be changed", "55P02")
    return None


def _rewritten_command(sql: Sql) -> Run | None:
    head = sql.norms(0, 2)
    if materialized_views.is_meant(sql):
        return materialized.command(sql)
    if command := _COMMANDS.get(head[0]):
        return command(sql)
    if head[0] == "MERGE":
        found = merge.parse(sql)
        return commands.merge(found, [expressions.rewrite(s) for s in found.statements])
    if run := external.command(sql):
        return run
    if head == ("ALTER", "TABLE"):
        altered = alter_table.parse(sql)
        if isinstance(altered, alter_table.Append):
            return alterations.append(altered)
        return alterations.alter(altered)
    if head[0] == "CREATE" and "TABLE" in sql.norms(1, 3) and sql.norm(1) != "VIEW":
        created = create_table.parse(sql)
        return tables.create_table(created)
    if head[0] == "CREATE" and "VIEW" in sql.norms(1, 3):
        return _view(sql)
    if head[1] == "SCHEMA" and (run := commands.schema_of_a_database(sql)):
        return run
    if head == ("CREATE", "DATABASE"):
        return commands.create_database(sql)
    if head in (("CREATE", "USER"), ("CREATE", "GROUP"), ("CREATE", "ROLE")):
        return commands.create_principal(sql, grants.rewrite(sql) or sql.text)
    return None


def _view(sql: Sql) -> Run:
    if views.is_late_binding(sql):
        return commands.create_late_binding_view(views.parse(sql))
    return external.create_view(sql)


def _prefixed_setting(sql: Sql) -> str:
    """PostgreSQL does not know Redshift's own parameters: it keeps them under a prefix."""
    index = parameters.name_index(sql)
    name = sql.tokens[index]
    if not name.is_name or name.name not in parameters.OWN:
        return sql.text
    return sql.edited([(name.start, name.end, f"redshift.{name.name}")])
