"""The account of tables that failed: kept on disk, or not relied on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tidemark_core.errors import ConfigError
from tidemark_core.runs import deferred
from tidemark_core.runs.deferred import Failure

FIRST = Failure("tap-mysql", "s.a", "no key\n  Next: give it one", 1)
SECOND = Failure("target-redshift", "s.b", "somebody else is loading it", 4)


@pytest.fixture(autouse=True)
def _run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIDEMARK_REPORT_DIR", str(tmp_path))
    monkeypatch.setenv("TIDEMARK_RUN_ID", "r/1")


def test_what_a_leg_writes_is_told_at_the_end_by_whoever_it_is() -> None:
    deferred.begin()
    assert deferred.defer([FIRST])
    assert deferred.defer([SECOND])
    assert deferred.end() == [FIRST, SECOND]


def test_nothing_failed() -> None:
    deferred.begin()
    assert deferred.end() == []


def test_without_an_account_a_leg_fails_by_itself() -> None:
    assert not deferred.defer([FIRST])
    with pytest.raises(ConfigError, match="no record"):
        deferred.end()


def test_an_account_is_of_one_run_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    deferred.begin()
    monkeypatch.setenv("TIDEMARK_RUN_ID", "r/2")
    assert not deferred.defer([FIRST])


def test_no_failure_at_all_is_none_of_tables() -> None:
    """An error that names no table must end its leg."""
    deferred.begin()
    assert not deferred.defer([])


def test_a_leg_whose_failures_cannot_be_written_fails_by_itself(tmp_path: Path) -> None:
    deferred.begin()
    (account,) = (tmp_path / "deferred").iterdir()
    account.unlink()
    account.symlink_to("/dev/full")
    assert not deferred.defer([FIRST])


def test_an_account_that_is_damaged_is_not_taken_for_a_good_one(tmp_path: Path) -> None:
    deferred.begin()
    (account,) = (tmp_path / "deferred").iterdir()
    account.write_text('{"part": "tap-mysql"')
    with pytest.raises(ValueError):
        deferred.end()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    deferred.begin()
    (account,) = (tmp_path / "deferred").iterdir()
    assert account.stat().st_mode & 0o077 == 0


def test_accounts_of_runs_that_were_killed_go_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deferred.begin()
    (account,) = (tmp_path / "deferred").iterdir()
    os.utime(account, (0, 0))
    monkeypatch.setenv("TIDEMARK_RUN_ID", "r/2")
    deferred.begin()
    assert account not in list((tmp_path / "deferred").iterdir())


@pytest.mark.parametrize(
    ("codes", "code"), [((), 0), ((1, 1), 1), ((4, 4), 4), ((1, 4), 1), ((2,), 2)]
)
def test_the_exit_code_is_the_one_they_have_in_common(codes: tuple[int, ...], code: int) -> None:
    assert deferred.exit_code(Failure("p", "s.t", "x", each) for each in codes) == code


PLUGIN = """
from tidemark_core.errors import LeaseError, SourceError
from tidemark_core.process import run_plugin, show

def tables_fail():
    errors = SourceError("no key", table="s.a"), LeaseError("held", table="s.b")
    for error in errors:
        show(error)
    last = SourceError("2 of 3 tables failed")
    last.of_tables = errors
    raise last

def bastion_is_away():
    raise SourceError("the bastion is away")

run_plugin({})
"""


@pytest.mark.fault(136)
def test_a_plugin_ends_well_when_all_that_failed_are_tables() -> None:
    strict = run("tables_fail")
    assert strict.returncode == 1
    assert strict.stderr.count("2 of 3 tables failed") == 1
    deferred.begin()
    lenient = run("tables_fail")
    assert lenient.returncode == 0
    assert lenient.stderr.count("no key") == lenient.stderr.count("held") == 1
    told = deferred.end()
    assert [(each.table, each.exit_code) for each in told] == [("s.a", 1), ("s.b", 4)]
    assert {each.part for each in told} == {"plugin"}


@pytest.mark.fault(136)
def test_a_plugin_fails_when_something_else_did() -> None:
    deferred.begin()
    assert run("bastion_is_away").returncode == 1
    assert deferred.end() == []


def run(what: str) -> subprocess.CompletedProcess[str]:
    folder = Path(os.environ["TIDEMARK_REPORT_DIR"])
    program = folder / "plugin"
    program.write_text(PLUGIN.format(what))
    return subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=False
    )
