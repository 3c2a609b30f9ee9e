"""`make fidelity`: what it makes of other projects' tests is so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from fidelity import app
from hypothesis import given
from hypothesis import strategies as st
from measure import BenchError
from suites import environment, reasons
from suites.catalogue import ANSWERS, FIXTURES, GUIDE, STATEMENTS, SUITES
from suites.packages import PACKAGES, outcomes
from suites.reasons import AWS, CLASSES, DECLARED, OPEN, OWN, classified, known
from suites.results import (
    PASSED,
    SKIPPED,
    Failure,
    Measurement,
    Result,
    read_all,
    read_junit,
    table,
    write,
)
from suites.statements import try_statements
from typer.testing import CliRunner

_JUNIT = """<testsuites><testsuite>
<testcase classname="a.b" name="passes"/>
<testcase classname="a.b" name="skips"><skipped message="no account"/></testcase>
<testcase classname="a.b" name="fails"><failure message="no&#10;more">E why</failure></testcase>
<testcase classname="a.b" name="fails"><error message="and its tear-down">E more</error></testcase>
<testcase classname="a.b" name="ends badly"/>
<testcase classname="a.b" name="ends badly"><error message="gone">E gone</error></testcase>
<testcase classname="a.b" name="lacks"><failure message="assert False">x</failure><system-out>
ST_X is not supported by the local Redshift stand-in (Redshift has it)</system-out></testcase>
</testsuite></testsuites>"""


def test_a_test_is_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(_JUNIT)
    found = list(read_junit(path))
    assert [each.name.partition("::")[2] for each in found] == [
        "passes", "skips", "fails", "ends badly", "lacks",
    ]  # fmt: skip
    results = classified(found, [])
    assert [each.outcome for each in results] == [PASSED, SKIPPED, OPEN, OPEN, DECLARED]
    assert results[2].message == "no"


def test_a_reason_is_known_by_the_list_or_by_what_was_said() -> None:
    said = [
        Failure("m::one[a-b]", "", "botocore.exceptions.NoCredentialsError"),
        Failure("m::one[c]", "", "a table is missing"),
        Failure("m::two", "", "botocore.exceptions.NoCredentialsError"),
    ]
    listed = [(OWN, "m::one[a-?]")]
    assert [each.outcome for each in classified(said, listed)] == [OWN, OPEN, AWS]
    messages = [Failure("m::one", 'no "x"', ""), Failure("m::two", "no y", "")]
    listed = [(OWN, '~ no "*"')]
    assert [each.outcome for each in classified(messages, listed)] == [OWN, OPEN]


@pytest.mark.parametrize("path", sorted(reasons.LISTS.glob("*.txt")), ids=lambda path: path.stem)
def test_a_list_belongs_to_a_suite_and_says_why(path: Path) -> None:
    assert path.stem in (*SUITES, *PACKAGES, STATEMENTS, GUIDE, ANSWERS)
    assert known(path.stem)
    assert path.read_text("utf-8").startswith("~ ")


_RESULTS = st.lists(
    st.builds(Result, st.text("ab", min_size=1), st.sampled_from([PASSED, SKIPPED, *CLASSES])),
    max_size=9,
)


@given(_RESULTS)
def test_the_table_has_every_test_in_one_column(results: list[Result]) -> None:
    row = table([Measurement("s", "1.0", "2024-01-31", results)], CLASSES).splitlines()[-1]
    name, version, date, size, *figures = [cell.strip() for cell in row.strip("|").split("|")]
    assert (name, version, date, int(size)) == ("s", "1.0", "2024-01-31", len(results))
    assert sum(map(int, figures)) == len(results)


def test_what_did_not_pass_is_written_by_its_name(tmp_path: Path) -> None:
    results = [Result("m::good", PASSED), Result("m::bad", OPEN, "why"), Result("m::not", SKIPPED)]
    page = write(Measurement("s", "1.0", "2024-01-31", results), CLASSES, tmp_path)
    text = page.read_text()
    assert "`m::bad`: why" in text
    assert "`m::not`" in text
    assert "m::good" not in text
    assert read_all(tmp_path) == [Measurement("s", "1.0", "2024-01-31", results)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--suite", "none"], "no suite none"),
        (["--suite", "dbt-redshift"], "add FROM="),
        (["--suite", "dbt-date"], "add FROM="),
        (["--suite", "sqlalchemy", "--from", "/"], "leave out FROM="),
    ],
)
def test_a_suite_that_cannot_be_run_is_refused(arguments: list[str], says: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert says in " ".join(done.output.replace("│", " ").split())


def test_a_checkout_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="give FROM= a checkout of dbt-redshift"):
        environment.prepare(SUITES["dbt-redshift"], tmp_path, tmp_path / "ca.pem")
    with pytest.raises(BenchError, match="give FROM= a checkout of sqlfluff"):
        try_statements(tmp_path)


def test_a_package_needs_the_checkouts_of_those_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "dbt-audit-helper").mkdir()
    with pytest.raises(BenchError, match="no folder dbt-utils"):
        environment.prepare(PACKAGES["dbt-audit-helper"], tmp_path, tmp_path / "ca.pem")
    assert PACKAGES["dbt-audit-helper"].files["../packages.yml"] == (
        "packages:\n  - local: ../../dbt-utils\n"
    )
    assert "../packages.yml" not in PACKAGES["dbt-utils"].files


def test_every_node_of_dbts_is_counted() -> None:
    statuses = ("success", "pass", "warn", "skipped", "no-op", "fail", "error")
    gap = "ST_X is not supported by the local Redshift stand-in (Redshift has it)"
    nodes = [{"unique_id": each, "status": each, "message": None} for each in statuses]
    nodes.append({"unique_id": "gap", "status": "error", "message": f"Database Error\n  {gap}"})
    found = classified(outcomes(nodes), [])
    assert [each.outcome for each in found] == [PASSED] * 3 + [SKIPPED] * 2 + [OPEN] * 2 + [
        DECLARED
    ]
    assert found[-1].message == f"Database Error {gap}"


def test_drivers_trust_the_servers_authority_and_the_cache_stays(tmp_path: Path) -> None:
    cached, own = tmp_path / "cached", tmp_path / "ca.pem"
    cached.write_text("AMAZON\n")
    own.write_text("OURS\n")
    linked = tmp_path / "venv" / "driver" / "redshift-ca-bundle.crt"
    linked.parent.mkdir(parents=True)
    linked.hardlink_to(cached)
    for _ in range(2):
        environment.trust(tmp_path / "venv", own)
    assert linked.read_text() == "AMAZON\nOURS\n"
    assert cached.read_text() == "AMAZON\n"


def test_statements_find_what_they_name(tmp_path: Path) -> None:
    folder = tmp_path / FIXTURES
    folder.mkdir(parents=True)
    (folder / "some.sql").write_text(
        "select a, t.b from t join s.u using (c) where t.d > 1;\n"
        "select dateadd(day, 1, foo) from t; insert into t (a) values (1); vacuum;\n"
        "commit; begin; alter user x with reset all; analyze compression v; select from;\n"
    )
    found = try_statements(tmp_path)
    assert Counter(each.outcome for each in found.results) == {PASSED: 7, DECLARED: 1, OPEN: 1}
    assert [each.name for each in found.results if each.outcome == DECLARED] == ["some::8"]
