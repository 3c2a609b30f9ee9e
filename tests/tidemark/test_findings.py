"""What status and doctor print of findings that have one cause."""

from __future__ import annotations

import pytest
from tidemark.commands.status import print_findings
from tidemark.console import Format
from tidemark.services.checks import Finding, Level

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
