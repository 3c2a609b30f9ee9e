"""COPY inputs and what becomes of them, as files: ``inputs/*.txt``.

``@ columns`` begins a table, ``~`` names the page of the Developer Guide that the lines below it
follow. ``+ data => parameters => row row …`` is loaded, its rows in JSON, sorted; ``- data =>
parameters => code`` fails with that code in stl_load_errors. Data has Python's escapes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import redshift_connector

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Copy, Sql

FOLDER = Path(__file__).with_name("inputs")
PAGE = Path(__file__).parents[3] / "docs" / "redshift-stand-in.md"
ERROR = "select err_code from stl_load_errors order by query desc, starttime desc limit 1"


class Input(NamedTuple):
    """A line, the columns of its table, and its source."""

    columns: str
    source: str
    kind: str
    data: bytes
    parameters: str
    wanted: str


def inputs(path: Path) -> Iterator[Input]:
    columns = source = ""
    for line in path.read_text("utf-8").splitlines():
        kind, _, text = line.partition(" ")
        if kind == "@":
            columns = text
        elif kind == "~":
            source = text
        else:
            data, parameters, wanted = text.split(" =>", 2)
            raw = data.encode("raw_unicode_escape").decode("unicode_escape")
            yield Input(columns, source, kind, raw.encode(), parameters.strip(), wanted.strip())


def rows(text: str) -> list[Any]:
    """JSON values that stand one behind another."""
    found, at = [], 0
    while at < len(text):
        value, end = json.JSONDecoder().raw_decode(text, at)
        found.append(value)
        at = end + 1
    return found


def shown(value: object) -> object:
    """A value as JSON has it."""
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def outcome(sql: Sql, statement: str) -> object:
    """The rows of the table, or the code of the error."""
    try:
        sql(statement)
    except redshift_connector.Error:
        return sql(ERROR)[0][0]
    return [[shown(value) for value in row] for row in sql("select * from t.i order by 1, 2")]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_what_becomes_of_an_input(path: Path, sql: Sql, copy: Copy) -> None:
    wrong, columns = [], ""
    for number, each in enumerate(inputs(path)):
        if each.columns != columns:
            columns = each.columns
            sql("drop table if exists t.i")
            sql(f"create table t.i ({columns})")
        sql("truncate t.i")
        found = outcome(
            sql, copy("t.i", each.data, each.parameters, f"inputs/{path.stem}/{number}/data")
        )
        wanted = int(each.wanted) if each.kind == "-" else rows(each.wanted)
        if found != wanted:
            wrong.append(f"{each.data!r} {each.parameters}: {found} != {wanted} ({each.source})")
    assert not wrong, "\n".join(wrong)


def test_the_page_counts_the_inputs() -> None:
    size = sum(1 for path in FOLDER.glob("*.txt") for _ in inputs(path))
    assert f"COPY: {size} inputs" in PAGE.read_text("utf-8"), f"the page should say {size}"
