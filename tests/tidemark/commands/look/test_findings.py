"""What is printed of a cause: once, and with the step that is known for it."""

from __future__ import annotations

import pytest
import typer
from tidemark.commands.look.status import print_findings
from tidemark.commands.run.legs import _Run, _tell_of_failures
from tidemark.runner.failure_cause import Cause
from tidemark.services.health.checks import Finding, Level
from tidemark.services.sync.meltano_run import Outcome, Ran
from tidemark.services.sync.sync import LegResult
from tidemark.terminal.console import Format

DOWN = "S3 could not be reached"
NEXT = "check S3_ENDPOINT_URL"
FOUND = [
    Finding("MySQL", Level.OK, "well"),
    Finding("S3", Level.ERROR, DOWN, NEXT),
    Finding("state", Level.ERROR, DOWN, NEXT),
    Finding("lease", Level.ERROR, DOWN, NEXT),
    Finding("disk", Level.OK, "well"),
    Finding("load", Level.WARN, "old", "meltano run load"),
]


def test_a_cause_that_several_have_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings("Status", FOUND, Format.TABLE)
    told = capsys.readouterr().out
    assert told.count(DOWN) == 1
    assert told.count("the same as S3") == 2
    assert told.count(NEXT) == 1
    assert "S3, state, lease" in told
    assert told.count("ERROR") == 3
    assert told.count("well") == 2


def test_programs_get_each_finding_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings("Status", FOUND, Format.JSON)
    assert capsys.readouterr().out.count(DOWN) == 3


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ("correct REDSHIFT_DBT_PASSWORD", "Next: correct REDSHIFT_DBT_PASSWORD\n"),
        (None, "Next: run tidemark status, then try again.\n"),
    ],
)
def test_a_run_that_failed_ends_with_the_step_that_is_known(
    known: str | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = Ran(1, Cause("refused", next=known), {})
    leg = LegResult.of("build", ran, [Outcome("build", "s.t", error="refused")])
    with pytest.raises(typer.Exit):
        _tell_of_failures(_Run([leg]))
    assert capsys.readouterr().err.endswith(f"Failed: s.t. {told}")
