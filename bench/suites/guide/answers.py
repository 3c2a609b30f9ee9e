"""What the guide prints as the answer to a query, beside the stand-in's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions
from redshift_stand_in.local import StandIn

from suites.catalogue import ANSWERS
from suites.environment import CACHE, commit
from suites.guide import printed
from suites.guide.blocks import blocks
from suites.guide.examples import shown
from suites.guide.pages import made_alone, paths, tried
from suites.guide.printed import Table
from suites.guide.tickit import NAMES
from suites.reasons import measured
from suites.results import PASSED, SKIPPED, Failure, Measurement, Result
from suites.server import stand_in
from suites.statements import error_of

#: What is another one each time, or on each cluster: the clock, chance, the session, the system.
_ANYTHING = (
    r"\b(?:getdate|sysdate|random|timeofday|current_\w+|pg_last_\w+|pg_backend_pid|version|"
    r"(?:stl|stv|svl|svv|sys)_\w+|pg_(?:table_def|user|user_info|description|terminate_backend|"
    r"get_late_binding_view_cols|cursor|external_schema))\b|'(?:now|today)'"
)
#: Or what the sample data has.
_SAMPLES = rf"\b(?:from|join)\s+(?:\w+\.)?(?:{'|'.join(NAMES)})\b"
_ELSEWHERE = re.compile(f"{_ANYTHING}|{_SAMPLES}", re.I)
_QUERY = re.compile(r"(?:select|with)\b", re.I)
_ORDERED = re.compile(r"\border by [^()]*$", re.I)
#: Numbers of types that the driver would make objects of.
_TYPES = (16, 20, 21, 23, 700, 701, 1082, 1083, 1114, 1184, 1186, 1266, 1700)
_AS_SENT = extensions.new_type(_TYPES, "AS_SENT", lambda value, _: value)


def compare_answers(source: Path) -> Measurement:
    """Runs the pages' statements, and compares what they print with what comes.

    Args:
        source: A checkout of the guide.

    Raises:
        BenchError: It has no pages.
    """
    pages = {path.stem: list(_pairs(path.read_text("utf-8"))) for path in paths(source)}
    with stand_in(CACHE / "certificates") as server:
        outcomes = [
            outcome
            for name, pairs in pages.items()
            if any(_is_compared(*pair) for pair in pairs)
            for outcome in _page(server, name, pairs)
        ]
    return measured(ANSWERS, commit(source), outcomes)


def _pairs(page: str) -> Iterator[tuple[str, Table | None]]:
    """A page's statements with the tables behind them, in the same block or in the next."""
    waiting: str | None = None
    for block in blocks(page):
        found = list(shown(block))
        if waiting is not None:
            yield waiting, None if found else printed.table(block)
            waiting = None
        for i, (text, behind) in enumerate(found, 1):
            answer = printed.table(behind)
            if answer is None and i == len(found):
                waiting = text
            else:
                yield text, answer
    if waiting is not None:
        yield waiting, None


def _is_compared(text: str, answer: Table | None) -> bool:
    return answer is not None and bool(_QUERY.match(text)) and not _ELSEWHERE.search(text)


def _page(
    server: StandIn, name: str, pairs: list[tuple[str, Table | None]]
) -> Iterable[Result | Failure]:
    with made_alone(server, [text for text, _ in pairs]) as connection:
        extensions.register_type(_AS_SENT, connection)
        for number, (text, answer) in enumerate(pairs, 1):
            if answer is None or not _is_compared(text, answer):
                tried(connection, text, {})
            else:
                yield _outcome(connection, f"{name}::{number}", text, answer)


def _outcome(connection: Any, name: str, text: str, answer: Table) -> Result | Failure:
    cursor = connection.cursor()
    try:
        cursor.execute(text)
        rows = cursor.fetchall()
    except psycopg2.Error:
        error_of(connection, "rollback")
        return Result(name, SKIPPED)  # the suite "guide" tells why
    names = [column.name for column in cursor.description]
    if not printed.is_same(rows, answer, ordered=bool(_ORDERED.search(text))):
        message = f"{rows[:3]} instead of {answer.rows[:3]}"
    elif len(names) == len(answer.names) and names != [each.lower() for each in answer.names]:
        message = f"columns {names} instead of {answer.names}"
    else:
        return Result(name, PASSED)
    return Failure(name, message, message)
