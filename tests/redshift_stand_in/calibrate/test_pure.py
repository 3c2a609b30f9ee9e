"""What is decided without a server: how a case runs, what is recorded, and what differs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from redshift_stand_in import corpus
from redshift_stand_in.calibrate import cases
from redshift_stand_in.calibrate.asking.manner import Manner, manner, may_run, rows_vary
from redshift_stand_in.calibrate.asking.outcome import Column, Outcome, in_order, shown
from redshift_stand_in.calibrate.asking.place import Place
from redshift_stand_in.calibrate.comparing.differences import (
    DIFFERENCES,
    Verdict,
    compare,
    judge,
)
from redshift_stand_in.calibrate.comparing.recording import Recording, Server, load, newest
from redshift_stand_in.calibrate.errors import CalibrationError
from redshift_stand_in.corpus import Case

SERVER = Server("redshift", "1.0.7", serverless=False, protocol=2)
CASES = [case for part in cases.every() for case in part.cases]
PLACE = Place(
    "calibrate_0f", "sales", "ann", "s3://bills/x/calibrate_0f", "arn:aws:iam::123456789012:role/r"
)

values = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
columns = st.lists(
    st.builds(Column, st.text("ab", max_size=3), st.integers(0, 9999), st.just(-1), st.just(-1)),
    max_size=3,
).map(tuple)
rows = st.lists(st.lists(values, max_size=3).map(tuple), max_size=3).map(tuple)
codes = st.sampled_from(["0A000", "42601", "XX000", "lost"])
outcomes = st.builds(Outcome, codes, st.text(max_size=9)) | st.builds(
    Outcome, columns=st.none() | columns, rows=st.none() | rows
)


def case(statement: str) -> Case:
    return Case("+", statement, statement)


# -- how a case runs


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select 1", Manner.READ),
        ("select 1 as a into t.x", Manner.UNDONE),
        ("create table t.x (a int)", Manner.UNDONE),
        ("alter table t.x alter column a encode zstd", Manner.UNDONE),
        ("alter table t.x alter column a type varchar(9)", Manner.ALONE),
        ("ALTER TABLE t.x APPEND FROM t.y", Manner.ALONE),
        ("truncate t.x", Manner.ALONE),
        ("begin", Manner.ALONE),
        ("set timezone to 'UTC'", Manner.SESSION),
    ],
)
def test_a_statement_is_run_so_that_the_next_does_not_see_it(
    statement: str, expected: Manner
) -> None:
    assert manner(case(statement)) is expected


def test_what_needs_other_statements_is_undone_with_them() -> None:
    assert manner(replace(case("select 1"), before=("create table t.x (a int)",))) is Manner.UNDONE


@pytest.mark.parametrize(
    "statement", ["cancel 7", "vacuum", "vacuum full", "analyze", "select pg_terminate_backend(7)"]
)
def test_what_reaches_beyond_the_schema_does_not_run(statement: str) -> None:
    assert not may_run(case(statement), storage=True)


def test_nothing_of_the_corpus_that_runs_alone_names_anything_outside_the_schema() -> None:
    """It is committed: a rollback does not undo it."""
    alone = [c.statement for c in CASES if manner(c) is Manner.ALONE and may_run(c, storage=True)]
    words = r"begin|start|commit|end|abort|rollback"
    outside = [s for s in alone if not re.match(rf"({words})\b|.*(\bt\.|#h)", s)]
    assert outside == []


def test_without_a_bucket_nothing_that_names_one_runs() -> None:
    copies = [c for c in CASES if "s3://stage" in c.statement]
    assert copies
    assert not any(may_run(c, storage=False) for c in copies)


@pytest.mark.parametrize(
    "statement",
    ["show search_path", "select getdate()", "select relname from pg_class", "select user"],
)
def test_rows_that_tell_of_the_cluster_are_not_recorded(statement: str) -> None:
    assert rows_vary(case(statement))
    assert not rows_vary(replace(case(statement), value="known"))


def test_no_word_of_the_corpus_repeats_within_a_part() -> None:
    for part in cases.every():
        assert len({c.text for c in part.cases}) == len(part.cases)


# -- its names


@pytest.mark.parametrize(
    ("written", "placed"),
    [
        ("select * from t.s", "select * from calibrate_0f.s"),
        ("create schema dev.x", "create schema sales.x"),
        ('create schema "dev"."x"', 'create schema "sales"."x"'),
        ("grant select on t.s to admin", "grant select on calibrate_0f.s to ann"),
        ("revoke admin option for x", "revoke admin option for x"),
        ("select has_schema_privilege('t', 'usage')",
         "select has_schema_privilege('calibrate_0f', 'usage')"),
        ("select 't'::boolean, E'\\t', b.t, t1", "select 't'::boolean, E'\\t', b.t, t1"),
        ("copy t.a from 's3://stage/x'", "copy calibrate_0f.a from 's3://bills/x/calibrate_0f/x'"),
    ],
)  # fmt: skip
def test_a_statement_gets_the_names_of_its_place(written: str, placed: str) -> None:
    assert PLACE.placed(written) == placed


def test_a_name_that_needs_quotes_gets_them() -> None:
    place = Place("calibrate_0f", "my-db", "IAM:ann")
    assert place.placed("grant x on database dev to admin") == (
        'grant x on database "my-db" to "IAM:ann"'
    )
    assert place.placed("select has_database_privilege('dev', 'temp')") == (
        "select has_database_privilege('my-db', 'temp')"
    )


def test_what_a_server_repeats_of_a_statement_is_as_it_was_written() -> None:
    texts = [case.statement.replace('"', "") for case in CASES]
    assert [text for text in texts if PLACE.masked(PLACE.placed(text)) != text] == []


def test_an_error_tells_nothing_of_the_cluster_or_the_moment() -> None:
    said = (
        "CALIBRATE_0F.X, "
        "permission denied for ann in sales on calibrate_0f.x from 10.1.2.3:5439 at "
        "wg.123456789012.eu-west-1.redshift-serverless.amazonaws.com, s3://bills/x/calibrate_0f/y "
        "of bills by arn:aws:iam::123456789012:role/r, account 123456789012, "
        "RequestId: 9F3C2A1B7D0E4F56, query: 1234, process: query0_12_3 [pid=4711], pg_temp_12, "
        "transactions forming the cycle are: 12, 3456 (pid:7), 2026-01-02 03:04:05.678"
    )
    assert PLACE.told(said) == (
        "t.X, permission denied for admin in dev on t.x from <address> at <host>, s3://stage/y of "
        "<bucket> by arn:aws:iam::<account>:role/copy, account <account>, RequestId: <id>, query: "
        "<n>, process: query<n> [pid=<n>], pg_temp_<n>, transactions forming the cycle are: <n> "
        "(pid:<n>), <time>"
    )


@given(st.lists(st.lists(values, min_size=2, max_size=2).map(tuple), max_size=6), st.randoms())
def test_rows_without_an_order_are_recorded_in_one(
    given_rows: list[tuple[str | None, ...]], chance: object
) -> None:
    mixed = list(given_rows)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert in_order(mixed, ordered=False) == in_order(given_rows, ordered=False)
    assert in_order(mixed, ordered=True) == tuple(mixed)


def test_a_long_value_is_recorded_by_its_beginning() -> None:
    assert shown("x" * 65_535) == f"{'x' * 300}... (65535 characters)"
    assert (shown(None), shown(b"\x01"), shown(1.5)) == (None, "01", "1.5")


# -- the file


@settings(max_examples=30)
@given(st.dictionaries(st.text("ab", min_size=1), st.dictionaries(st.text(max_size=5), outcomes)))
def test_a_recording_survives_its_file(
    tmp_path_factory: pytest.TempPathFactory, parts: dict[str, dict[str, Outcome]]
) -> None:
    recording = Recording(SERVER, parts)
    path = recording.save(tmp_path_factory.getbasetemp() / "recordings")
    assert load(path) == recording
    backwards = {part: dict(reversed(list(each.items()))) for part, each in parts.items()}
    assert Recording(SERVER, backwards).text() == path.read_text("utf-8")


def test_a_case_stands_in_a_line_of_its_own() -> None:
    parts = {"a": {"x\ny": Outcome("0A000", "no"), "b": Outcome()}, "b": {"x": Outcome()}}
    assert Recording(SERVER, parts).text().splitlines()[3:5] == [
        '"b": {},',
        '"x\\ny": {"error": ["0A000", "no"]}',
    ]


@pytest.mark.parametrize(
    ("version", "serverless", "stem"),
    [
        ("PostgreSQL 8.0.2 on i686, GCC, Redshift 1.0.77467", False, "redshift-1.0.77467"),
        ("PostgreSQL 8.0.2 on i686, Redshift 1.0.9", True, "redshift-1.0.9-serverless"),
        ("PostgreSQL 15.14 (Debian 15.14-0+deb12u1) on x86_64", False, "postgresql-15.14"),
        ("", False, "unknown-0"),
    ],
)  # fmt: skip
def test_a_file_is_named_by_the_version(version: str, serverless: bool, stem: str) -> None:
    assert Server.parse(version, serverless=serverless, protocol=2).stem == stem


def test_the_newest_recording_is_that_of_the_greatest_version(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    for version in ("1.0.9", "1.0.10", "1.0.2"):
        Recording(replace(SERVER, version=version)).save(tmp_path)
    assert newest(tmp_path) == tmp_path / "redshift-1.0.10.json"


@pytest.mark.parametrize("text", ["", "{}", '{"parts": {}}', '{"server": {}, "parts": []}'])
def test_another_file_is_no_recording(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(CalibrationError, match=r"no recording.*Next"):
        load(path)
    with pytest.raises(CalibrationError, match=r"no recording.*Next"):
        load(tmp_path / "nothing.json")


# -- what differs

OK = Outcome()
NO = Outcome("0A000", "no")
LACKS = Outcome("0A000", "X is not supported by the local Redshift stand-in (Redshift has it)")
ONE = Outcome(columns=(Column("a", 23, 4, -1),), rows=(("1",),))


@pytest.mark.parametrize(
    ("theirs", "ours", "verdict"),
    [
        (OK, OK, Verdict.AGREES),
        (ONE, ONE, Verdict.AGREES),
        (NO, NO, Verdict.AGREES),
        (NO, replace(NO, text="other words"), Verdict.AGREES),
        (NO, OK, Verdict.TAKES),
        (OK, NO, Verdict.REFUSES),
        (OK, LACKS, Verdict.DECLARED),
        (NO, LACKS, Verdict.ERROR),
        (LACKS, LACKS, Verdict.AGREES),
        (NO, replace(NO, code="42601"), Verdict.ERROR),
        (ONE, replace(ONE, rows=(("2",),)), Verdict.ANSWER),
        (ONE, replace(ONE, columns=(Column("a", 20, 8, -1),)), Verdict.TYPE),
        (Outcome("42501", "permission denied"), OK, Verdict.UNTOLD),
        (Outcome("57014", "timeout"), ONE, Verdict.UNTOLD),
        (Outcome("42501", "denied"), Outcome("42501", "denied"), Verdict.AGREES),
        (None, OK, Verdict.MISSING),
    ],
)
def test_what_came_of_a_case(theirs: Outcome | None, ours: Outcome, verdict: Verdict) -> None:
    assert judge(theirs, ours) is verdict


def test_texts_of_errors_are_compared_when_asked() -> None:
    assert judge(NO, replace(NO, text="other words"), texts=True) is Verdict.ERROR
    assert judge(NO, NO, texts=True) is Verdict.AGREES


@given(outcomes, outcomes)
def test_a_falsified_case_is_a_difference(theirs: Outcome, ours: Outcome) -> None:
    assume(theirs != ours and "stand-in" not in f"{theirs.text}{ours.text}")
    assert judge(theirs, ours, texts=True) in DIFFERENCES


@given(st.dictionaries(st.text("abc", min_size=1), outcomes), st.data())
def test_the_counts_are_of_all_that_the_stand_in_was_asked(
    answers: dict[str, Outcome], data: st.DataObject
) -> None:
    asked = {text: each for text, each in answers.items() if data.draw(st.booleans())}
    found = compare(Recording(SERVER, {"p": answers}), Recording(SERVER, {"p": asked}))
    assert found.counts.total() == found.counts[Verdict.AGREES] == len(asked)
    assert found.differences == ()


# -- what is asked


def test_kinds_and_patterns_choose() -> None:
    [part] = cases.chosen(["answers"], "dateadd*", storage=False)
    assert part.name == "answers"
    assert part.made
    assert {c.text.partition("(")[0] for c in part.cases} == {"dateadd"}
    with pytest.raises(CalibrationError, match=r"no kind dll.*Next: --kinds answers,"):
        cases.chosen(["dll"], "*", storage=True)
    with pytest.raises(CalibrationError, match="nothing matches zz"):
        cases.chosen([], "zz", storage=True)


def test_the_shapes_are_of_the_views_that_somebody_reads() -> None:
    names = {c.text for c in cases.shapes().cases}
    assert {
        "pg_catalog.svv_table_info",
        "information_schema.columns",
        "pg_catalog.pg_class",
    } <= names
    assert not any("redshift_" in n and not n.startswith("pg_catalog.svv_") for n in names)


def test_each_keyword_is_a_case() -> None:
    signs = {c.text: c.sign for c in cases.words().cases}
    assert len(signs) > 1000
    assert (signs["SELECT"], signs["ABORT"]) == ("-", "+")


def test_a_line_of_the_corpus_is_read() -> None:
    part = corpus.read("x", "! make {a|b}\n~ Page\n& once\n+ x# {y|z} ##h\n~ Other\n= 1 | 2 | 3\n")
    assert part.made == ("make a", "make b")
    first, second, third = part.cases
    assert (first.statement, second.statement) == ("x0 y #h", "x1 z #h")
    assert (first.before, first.source) == (("once",), "Page")
    assert (third.statement, third.value, third.before) == ("select 1 | 2", "3", ())


def test_a_copy_of_the_corpus_is_read() -> None:
    [copy] = corpus.read("copy", '- t.a csv < "a|b\\udcff" | line 1').cases
    assert (copy.data, copy.value) == (b"a|b\xff", "line 1")
    assert copy.statement.startswith(f"copy t.a from 's3://stage/{copy.key}' iam_role 'arn:")
    assert copy.statement.endswith("' csv")
