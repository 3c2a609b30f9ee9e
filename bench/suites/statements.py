"""A folder of statements that another project collected: each is tried on the stand-in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from measure import BenchError
from redshift_stand_in.local import StandIn
from redshift_stand_in.sql.lexer import split_statements

from suites.catalogue import FIXTURES, STATEMENTS
from suites.environment import CACHE, commit
from suites.reasons import measured
from suites.results import PASSED, Failure, Measurement, Result
from suites.server import stand_in

#: What a statement names and nobody has made, and what makes it.
_MISSING = (
    (re.compile(r'relation "(\w+)\.\w+" does not exist'), "create schema if not exists {0}"),
    (
        re.compile(r'must be created in an external schema: "(\w+)" is none'),
        "create external schema {0} from data catalog database 'd' iam_role default",
    ),
    (re.compile(r'relation "([\w.]+)" does not exist'), "create table {0} (id {kind})"),
    (re.compile(r'schema "(\w+)" does not exist'), "create schema {0}"),
    (re.compile(r'(?:role|user) "(\w+)" does not exist'), "create user {0} password disable"),
    (re.compile(r'cursor "(\w+)" does not exist'), "declare {0} cursor for select 1"),
)
_COLUMN = re.compile(
    r'column "?(?:\w+\.)?(\w+)"? (?:of relation "\w+" )?'
    r"(?:does not exist|named in key|specified )"
)
_TABLE = re.compile(r"create table (\S+) ")
_OUTSIDE = re.compile(r"in(?:side)? a transaction block")
#: Nothing says of what type a missing column is.
_KINDS = ("int", "timestamp", "varchar(64)", "super")
_TRIES = 12
_NAME = "fixture"


def try_statements(source: Path) -> Measurement:
    """Runs every statement of sqlfluff's fixtures by itself.

    Args:
        source: A checkout of sqlfluff.

    Raises:
        BenchError: It has no fixtures of Redshift's.
    """
    statements = list(_statements(source))
    with stand_in(CACHE / "certificates") as server, session(server) as connection:
        outcomes = [_outcome(connection, name, text) for name, text in statements]
    return measured(STATEMENTS, commit(source), outcomes)


@contextmanager
def session(server: StandIn) -> Iterator[Any]:
    """A session of a driver that sends a statement as it is and reads no value unasked."""
    connection = psycopg2.connect(server.url, password=server.password)
    connection.autocommit = True
    with closing(connection):
        yield connection


def _statements(source: Path) -> Iterator[tuple[str, str]]:
    """Each statement with its file and its number in it."""
    paths = sorted((source / FIXTURES).glob("*.sql"))
    if not paths:
        raise BenchError(
            f"{source / FIXTURES} has no statements: give FROM= a checkout of sqlfluff"
        )
    for path in paths:
        for number, text in enumerate(split_statements(path.read_text("utf-8")), 1):
            yield f"{path.stem}::{number}", text


def _outcome(connection: Any, name: str, text: str) -> Result | Failure:
    errors = errors_with_what_is_missing(connection, text)
    return Failure(name, errors[0], errors[0]) if errors else Result(name, PASSED)


def errors_with_what_is_missing(
    connection: Any, text: str, path: tuple[str, ...] = ()
) -> list[str]:
    """Runs a statement with what it names made in an empty schema, of one type after the other.

    Args:
        connection: A session.
        text: The statement.
        path: More schemas, behind the one that is made.

    Returns:
        The error with each of the types; empty: there is one with which it runs.
    """
    schemas = f"set search_path to {', '.join((_NAME, *path))}"
    before = (f"create schema if not exists {_NAME}", schemas)
    errors: list[str] = []
    for kind in _KINDS:
        errors.append(_ran(connection, before, text, kind))
        if not errors[-1]:
            return []
    return errors


def _ran(connection: Any, before: tuple[str, ...], text: str, kind: str) -> str:
    """The error that remains once everything is made that a statement names; empty: none."""
    made: list[str] = []
    undone = True
    while True:
        error = _first_error(connection, [*before, *made, text], undone)
        if undone and _OUTSIDE.search(error):
            undone = False
            continue
        needed = next((new for new in _needed(error, kind, made) if new not in made), None)
        if needed is None or len(made) == _TRIES:
            return error
        made.append(needed)


def _needed(error: str, kind: str, made: list[str]) -> Iterator[str]:
    """Statements that may make what an error says is missing."""
    for said, statement in _MISSING:
        if match := said.search(error):
            yield statement.format(*match.groups(), kind=kind)
    if match := _COLUMN.search(error):
        for table in _TABLE.findall(" ".join(made)):
            yield f"alter table {table} add {match[1]} {kind}"


def _first_error(connection: Any, statements: list[str], undone: bool) -> str:
    """Runs statements up to the first error, in a transaction that is rolled back or by itself."""
    before, behind = ("begin", "rollback") if undone else ("commit", f"drop schema {_NAME} cascade")
    error_of(connection, before)
    error = next(filter(None, (error_of(connection, each) for each in statements)), "")
    error_of(connection, behind)
    return error


def error_of(connection: Any, text: str) -> str:
    """The message of the error that a statement raises; empty: none."""
    try:
        connection.cursor().execute(text)
    except psycopg2.Error as error:
        return str(error.diag.message_primary or error)
    return ""
