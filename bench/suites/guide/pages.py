"""The guide's pages, each with a session of its own: what one makes, no other sees."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measure import BenchError
from redshift_stand_in.local import StandIn

from suites.catalogue import GUIDE, PAGES
from suites.environment import CACHE, commit
from suites.guide.blocks import blocks
from suites.guide.examples import statements
from suites.guide.tickit import TABLES
from suites.reasons import measured
from suites.results import PASSED, Failure, Measurement, Result
from suites.server import stand_in
from suites.statements import error_of, errors_with_what_is_missing, session

_PATH = ("page", "public")
_START = ("create schema page", f"set search_path to {', '.join(_PATH)}")
#: What a page may leave behind, as what removes it.
_LEFT = """
    select 'drop schema ' || quote_ident(nspname) || ' cascade' from pg_namespace
    union all select 'drop database ' || quote_ident(datname) from pg_database
    union all select 'drop group ' || quote_ident(groname) from pg_group
    union all select 'drop user ' || quote_ident(usename) from pg_user
"""
_ROLES = "select 'drop role ' || quote_ident(role_name) || ' force' from svv_roles"
_READS = re.compile(r"(?:select|show|explain)\b", re.I)
#: What a refused statement would have made; a model makes a function too.
_MADE = re.compile(
    r"(?:^create (?:or replace |external |materialized |temp |temporary )*[a-z]+ "
    r"(?:if not exists )?|^select .*?\binto )"
    r'(?:"?\w+"?\.)*"?([\w#]+)'
)
_FUNCTION = re.compile(r"\bfunction (?:\w+\.)?(\w+)")
_MISSING = re.compile(
    r'"(?:\w+"?\."?)*([\w#]+)" does not exist|(?:function|procedure) (?:\w+\.)?(\w+)\('
)
#: Of a page's second example with the same table.
_THERE = re.compile(r'relation "([\w#]+)" already exists')
_TELLING = re.compile(r"not supported by|syntax error")


def try_pages(source: Path) -> Measurement:
    """Runs every statement of every page, in their order.

    Args:
        source: A checkout of the guide.

    Raises:
        BenchError: It has no pages.
    """
    pages = dict(_pages(source))
    with stand_in(CACHE / "certificates") as server:
        outcomes = [each for name, texts in pages.items() for each in _page(server, name, texts)]
    return measured(GUIDE, commit(source), outcomes)


def paths(source: Path) -> list[Path]:
    """The files of a checkout's pages.

    Raises:
        BenchError: There are none.
    """
    found = sorted((source / PAGES).glob("*.md"))
    if not found:
        raise BenchError(f"{source / PAGES} has no pages: give FROM= a checkout of the guide")
    return found


def _pages(source: Path) -> Iterator[tuple[str, list[str]]]:
    """The pages that have statements, by their names."""
    for path in paths(source):
        texts = [each for code in blocks(path.read_text("utf-8")) for each in statements(code)]
        if texts:
            yield path.stem, texts


def _page(server: StandIn, name: str, texts: list[str]) -> list[Result | Failure]:
    """What became of a page's statements."""
    with made_alone(server, texts) as connection:
        return list(_outcomes(connection, name, texts))


@contextmanager
def made_alone(server: StandIn, texts: list[str]) -> Iterator[Any]:
    """A page's session, with nothing of other pages before it and nothing of its own behind it."""
    with session(server) as connection:
        before = set(_left(connection))
        if any(not _READS.match(text) for text in texts):
            _run(connection, TABLES)
    with session(server) as connection:
        _run(connection, _START)
        yield connection
        error_of(connection, "rollback")
    with session(server) as connection:
        _run(connection, (each for each in _left(connection) if each not in before))


def _left(connection: Any) -> Iterator[str]:
    for query in (_LEFT, _ROLES):
        cursor = connection.cursor()
        cursor.execute(query)
        yield from (str(row[0]) for row in cursor.fetchall())


def _run(connection: Any, texts: Iterable[str]) -> None:
    for text in texts:
        error_of(connection, text)


def _outcomes(connection: Any, name: str, texts: list[str]) -> Iterator[Result | Failure]:
    refused: dict[str, str] = {}
    for number, text in enumerate(texts, 1):
        error = tried(connection, text, refused)
        if error:
            refused |= dict.fromkeys(_made(text), error)
        full = f"{name}::{number}"
        yield Failure(full, error, error) if error else Result(full, PASSED)


def _made(text: str) -> list[str]:
    """The names of what a statement makes."""
    flat = " ".join(text.lower().split())
    names = _MADE.findall(flat)
    return names + (_FUNCTION.findall(flat) if flat.startswith("create model") else [])


def tried(connection: Any, text: str, refused: dict[str, str]) -> str:
    """The error of a statement, also with what it names and its page does not make.

    Args:
        connection: The page's session.
        text: The statement.
        refused: What could not be made on the page before, and why.
    """
    error = error_of(connection, text)
    if there := _THERE.search(error):
        _run(connection, ("rollback", f"drop table {there[1]} cascade"))
        error = error_of(connection, text)
    missing = _MISSING.search(error)
    if not error:
        return ""
    error_of(connection, "rollback")
    if missing and (reason := refused.get(missing[1] or missing[2])):
        return f"{error}: {reason}"
    if not missing:
        return error
    errors = errors_with_what_is_missing(connection, text, _PATH)
    _run(connection, _START[1:])
    return next(filter(_TELLING.search, errors), error) if errors else ""
