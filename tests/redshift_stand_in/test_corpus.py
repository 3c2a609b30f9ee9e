"""The corpus: what Redshift takes, refuses and answers, run as `calibrate` runs it on a cluster."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import redshift_connector
from redshift_stand_in import corpus
from redshift_stand_in.calibrate.asking.outcome import Outcome as Recorded
from redshift_stand_in.calibrate.asking.place import Place
from redshift_stand_in.calibrate.asking.run import MADE, Run
from redshift_stand_in.calibrate.asking.session import Target
from redshift_stand_in.calibrate.asking.storage import Storage
from redshift_stand_in.calibrate.asking.workspace import Workspace
from redshift_stand_in.context import S3Settings
from redshift_stand_in.corpus import Case, Part
from redshift_stand_in.wire.version import Version
from sqlfluff.dialects import dialect_redshift_keywords as words

from tests.redshift_stand_in.conftest import BUCKET, DATABASE, KEYS, PASSWORD, Sql

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import World

PAGE = Path(__file__).parents[2] / "docs" / "redshift-stand-in.md"
PARTS = corpus.parts()
EXTERNAL = corpus.read("external", Path(__file__).with_name("external.txt").read_text("utf-8"))
#: Words that one session of Redshift refused and another did not.
DOUBTFUL = frozenset(["END-EXEC", "QUALIFY", *words.redshift_reserved_keywords.split()])
#: Reserved, and an expression by themselves.
VALUES = {
    "ALL",
    "CURRENT_DATE",
    "CURRENT_USER",
    "CURRENT_USER_ID",
    "FALSE",
    "NULL",
    "OID",
    "SESSION_USER",
    "SYSDATE",
    "TRUE",
    "USER",
}


@pytest.fixture(scope="module")
def corpus_run(world: World) -> Iterator[Run]:
    """Runs parts of the corpus in a schema of its own."""
    target = Target("127.0.0.1", world.tcp_port, DATABASE, "admin", PASSWORD, tls=False)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in KEYS.items():
            environment.setenv(name, value)
        storage = Storage(S3Settings(world.s3_url), BUCKET, "corpus_of_tests", corpus.ROLE)
        place = Place("corpus_of_tests", DATABASE, "admin", storage.url, storage.role)
        workspace = Workspace(target, place)
        yield Run(workspace, place, storage, pytest.fail)
        workspace.remove()


def verdict(case: Case, outcome: Recorded) -> bool:
    """Whether it became what the corpus says."""
    if case.sign == "=" and case.key:
        return bool(json.loads(case.value or "") == [list(row) for row in outcome.rows or ()])
    if case.sign == "=":
        return not outcome.is_error and str((outcome.rows or ((None,),))[0][0]) == case.value
    if case.sign == "?":
        return "stand-in" in (outcome.text or "")
    where, _, reason = (case.value or "").partition(": ")
    is_told = all(words in (outcome.text or "") for words in (where, reason))
    return outcome.is_error == (case.sign == "-") and is_told


@pytest.mark.fault(192)
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_corpus(part: Part, corpus_run: Run) -> None:
    answers = corpus_run.answers(part)
    wrong = [f"{text} => {outcome}" for text, outcome in answers.items() if text.startswith(MADE)]
    wrong += [
        f"{case.sign} {case.text} => {answers[case.text]} ({case.source})"
        for case in part.cases
        if not verdict(case, answers[case.text])
    ]
    assert not wrong, "\n".join(wrong)


def test_the_page_tells_the_corpus() -> None:
    """docs/redshift-stand-in.md has the counts."""
    rows = []
    for part in PARTS:
        count = Counter(case.sign for case in part.cases)
        rows.append(f"| {part.name} | {' | '.join(str(count[sign]) for sign in '+-?=')} |")
    table = "\n".join(rows)
    assert table in PAGE.read_text("utf-8"), f"the page should say:\n{table}"


class Outcome(NamedTuple):
    """What became of a statement: its first value, or its error."""

    value: str | None = None
    error: str | None = None


Ask = Callable[[str], Outcome]


@pytest.fixture
def run(world: World, sql: Sql) -> Ask:
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


def test_statements_about_external_schemas_and_tables(run: Ask) -> None:
    """In their order: they reach beyond a schema, and most of them cannot be undone."""
    assert not [error for statement in EXTERNAL.made if (error := run(statement).error)]
    wrong = []
    for case in EXTERNAL.cases:
        error = run(case.statement).error
        is_right = (error is not None) == (case.sign != "+")
        if not is_right or (case.sign == "?" and "stand-in" not in str(error)):
            wrong.append(f"{case.sign} {case.text} => {error} ({case.source})")
    assert not wrong, "\n".join(wrong)


def test_reserved_words_must_be_quoted(run: Ask) -> None:
    """As tried on a cluster: sqlfluff, pull request 2318."""
    reserved = sorted(set(words.redshift_reserved_keywords.split()))
    taken = [w for w in reserved if not run(f"create table t.r ({w} int)").error]
    assert not taken
    named = ", ".join(f'"{w.lower()}" int' for w in reserved)
    assert not run(f"create table t.q ({named})").error
    assert {w for w in reserved if not run(f"select {w} from t.q").error} == VALUES


def test_other_words_are_names(run: Ask) -> None:
    free = sorted(set(words.redshift_unreserved_keywords.split()) - DOUBTFUL)
    refused = []
    for chunk in (free[i : i + 50] for i in range(0, len(free), 50)):
        table = f"create table t.w_{len(chunk)}_{chunk[0]} ({', '.join(f'{w} int' for w in chunk)})"
        name = table.split()[2]
        statements = [table, f"select {', '.join(chunk)} from {name} where {chunk[0]} = 1"]
        refused += [(s, o.error) for s in statements if (o := run(s)).error]
    assert not refused
