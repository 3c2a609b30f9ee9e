"""What Redshift takes, refuses and answers, as files of statements: ``corpus/*.txt``.

A line is ``+ statement`` (Redshift runs it), ``- statement`` (Redshift refuses it), ``? statement``
(Redshift has it, the stand-in says that it has not) or ``= expression | value``. ``~`` names the
page of the Developer Guide, or the recording, that the lines below it follow; ``! statement`` makes
what they need. ``{a|b|c}`` stands for each of these in turn, ``#`` for a number of the line's own
and ``##`` for the sign.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import redshift_connector
from redshift_stand_in.wire.version import Version
from sqlfluff.dialects import dialect_redshift_keywords as words

from tests.redshift_stand_in.conftest import Sql

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import World

PAGE = Path(__file__).parents[2] / "docs" / "redshift-stand-in.md"
FOLDER = Path(__file__).with_name("corpus")
#: Words that one session of Redshift refused and another did not.
DOUBTFUL = frozenset(["END-EXEC", "QUALIFY", *words.redshift_reserved_keywords.split()])
#: Reserved, and an expression by themselves.
VALUES = {
    "ALL",
    "CURRENT_DATE",
    "CURRENT_USER",
    "FALSE",
    "NULL",
    "OID",
    "SESSION_USER",
    "SYSDATE",
    "TRUE",
    "USER",
}


class Line(NamedTuple):
    """A line of the corpus, and where it stands."""

    kind: str
    text: str
    source: str


def lines(path: Path) -> list[Line]:
    """The lines of a file, each alternative as a line of its own."""
    found: list[Line] = []
    source = ""
    for line in path.read_text("utf-8").splitlines():
        kind, _, text = line.partition(" ")
        if kind == "~":
            source = text
        elif kind in ("+", "-", "?", "=", "!"):
            for each in alternatives(text):
                numbered = re.sub("(?<!#)#(?!#)", str(len(found)), each)
                found.append(Line(kind, numbered.replace("##", "#"), source))
    return found


def alternatives(text: str) -> list[str]:
    """``a {b|c}`` as ``a b`` and ``a c``."""
    parts = re.split(r"\{([^{}]*\|[^{}]*)\}", text)
    choices = [p.split("|") if i % 2 else [p] for i, p in enumerate(parts)]
    return ["".join(chosen) for chosen in itertools.product(*choices)]


class Outcome(NamedTuple):
    """What became of a statement: its first value, or its error."""

    value: str | None = None
    error: str | None = None


Run = Callable[[str], Outcome]


@pytest.fixture
def run(world: World, sql: Sql) -> Run:
    """Runs a statement in the schema ``t``, and undoes nothing; values are read as text."""
    ask = Sql(world.connect(version=Version.BASE))
    ask("set search_path to t")

    def one(text: str) -> Outcome:
        try:
            rows = ask(text)
        except redshift_connector.Error as error:
            fields = error.args[0]
            return Outcome(error=fields["M"] if isinstance(fields, dict) else str(fields))
        value = rows[0][0] if rows and rows[0] else None
        return Outcome(value=None if value is None else str(value))

    return one


def verdict(line: Line, outcome: Outcome) -> bool:
    """Whether it became what the line says."""
    if line.kind == "-":
        return outcome.error is not None
    if line.kind == "?":
        return "stand-in" in (outcome.error or "")
    return outcome.error is None


@pytest.mark.fault(192)
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_the_corpus(path: Path, run: Run) -> None:
    wrong = []
    for line in lines(path):
        if line.kind == "=":
            expression, _, value = line.text.rpartition(" | ")
            outcome = run(f"select {expression}")
            right = outcome.error is None and str(outcome.value) == value
        else:
            outcome = run(line.text)
            right = verdict(line, outcome)
        if not right:
            wrong.append(f"{line.kind} {line.text} => {outcome} ({line.source})")
    assert not wrong, "\n".join(wrong)


def test_the_page_tells_the_corpus() -> None:
    """docs/redshift-stand-in.md has the counts."""
    rows = []
    for path in sorted(FOLDER.glob("*.txt")):
        count = Counter(line.kind for line in lines(path))
        rows.append(f"| {path.stem} | {' | '.join(str(count[kind]) for kind in '+-?=')} |")
    table = "\n".join(rows)
    assert table in PAGE.read_text("utf-8"), f"the page should say:\n{table}"


def test_reserved_words_must_be_quoted(run: Run) -> None:
    """As tried on a cluster: sqlfluff, pull request 2318."""
    reserved = sorted(set(words.redshift_reserved_keywords.split()))
    taken = [w for w in reserved if not run(f"create table t.r ({w} int)").error]
    assert not taken
    named = ", ".join(f'"{w.lower()}" int' for w in reserved)
    assert not run(f"create table t.q ({named})").error
    assert {w for w in reserved if not run(f"select {w} from t.q").error} == VALUES


def test_other_words_are_names(run: Run) -> None:
    free = sorted(set(words.redshift_unreserved_keywords.split()) - DOUBTFUL)
    refused = []
    for chunk in (free[i : i + 50] for i in range(0, len(free), 50)):
        table = f"create table t.w_{len(chunk)}_{chunk[0]} ({', '.join(f'{w} int' for w in chunk)})"
        name = table.split()[2]
        statements = [table, f"select {', '.join(chunk)} from {name} where {chunk[0]} = 1"]
        refused += [(s, o.error) for s in statements if (o := run(s)).error]
    assert not refused
