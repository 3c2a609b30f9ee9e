"""What a run's log tells of each table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tidemark.config.project import Project
from tidemark.runner.failure_cause import Cause
from tidemark.services.sync.meltano_run import Observer, Ran, build
from tidemark_core.names import TableName
from tidemark_core.runs.deferred import Failure
from tidemark_core.text.masking import SECRETS

GOOD = TableName("s", "good")


def test_a_table_that_fails_is_told_apart_from_the_others() -> None:
    seen: list[str] = []
    observer = Observer(seen.append)
    for line in (
        {"event": "s.good: 3 rows", "level": "info", "table": "s.good"},
        {"event": "no such table", "level": "error", "table": "s.bad"},
        {"event": "1 of 2 tables failed", "level": "error", "error_type": "SourceError"},
    ):
        observer.read(json.dumps(line))
    observer.read("not JSON at all")
    assert observer.errors == {"s.bad": "no such table"}
    assert len(seen) == 4


def outcomes(ran: Ran, **files: int) -> dict[str, tuple[str | None, bool]]:
    """By table, its error and whether it was done."""
    found = {}
    for name, number in files.items():
        outcome = ran.outcome("load", TableName("s", name), number, number)
        found[name] = (outcome.error, outcome.done)
    return found


@pytest.mark.fault(137)
def test_of_a_run_in_which_only_tables_failed_all_others_are_done() -> None:
    failures = [Failure("target-redshift", "s.bad", "its type changed")]
    ran = Ran(0, None, {"s.bad": "its type changed"}, failures=failures)
    assert outcomes(ran, bad=0, good=1, still=0) == {
        "bad": ("its type changed", False),
        "good": (None, True),
        "still": (None, True),
    }
    assert ran.exit_code == 1


@pytest.mark.fault(137)
def test_of_a_run_that_ended_early_only_that_is_done_which_it_says_and_which_moved() -> None:
    away = Cause("the warehouse is away", "WarehouseError")
    done = frozenset({"s.good", "s.still"})
    assert outcomes(Ran(1, away, {}, done), good=1, still=0, begun=1, later=0) == {
        "good": (None, True),
        "still": (None, False),
        "begun": (None, False),
        "later": (None, False),
    }


@pytest.mark.fault(137)
def test_tables_whose_rows_cannot_be_counted_are_not_called_done_when_a_run_ended_early() -> None:
    ran = Ran(1, Cause("x"), {}, frozenset({"s.good"}))
    assert not ran.outcome("load", GOOD, None, None).done
    assert Ran(0, None, {}).outcome("load", GOOD, None, None).done


def test_a_run_says_which_tables_are_done() -> None:
    observer = Observer(lambda _: None)
    told = {"event": "Load operation completed", "successful_tables": ["s.good"], "level": "info"}
    observer.read(json.dumps(told))
    assert observer.done == {"s.good"}


def test_secrets_do_not_get_into_the_log_file() -> None:
    SECRETS.add(["correct-horse-battery"])
    seen: list[str] = []
    Observer(seen.append).read(json.dumps({"event": "password correct-horse-battery"}))
    assert "correct-horse" not in seen[0]


@pytest.mark.parametrize(
    ("given", "detailed", "level"),
    [({}, True, None), ({}, False, "info"), ({"DBT_LOG_LEVEL_FILE": "debug"}, False, "debug")],
)
def test_a_build_writes_each_statement_into_its_log_unless_it_is_not_to(
    tmp_path: Path, given: dict[str, str], detailed: bool, level: str | None
) -> None:
    levels: list[str | None] = []

    def run(command: Any, root: Path, environ: Mapping[str, str], read: Any) -> int:
        levels.append(environ.get("DBT_LOG_LEVEL_FILE"))
        return 0

    build(Project(tmp_path, given), ["m"], "r", print, run, detailed=detailed)
    assert levels == [level]
