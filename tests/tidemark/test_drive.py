"""What a run's log tells of each table."""

from __future__ import annotations

import json

from tidemark.job.cause import Cause
from tidemark.services.drive import Observer, Ran
from tidemark_core.masking import SECRETS
from tidemark_core.names import TableName

GOOD, BAD = TableName("s", "good"), TableName("s", "bad")


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
    ran = Ran(1, observer.finder.cause(1), observer.errors)
    assert ran.error_of(BAD, moved=False) == "no such table"
    assert ran.error_of(GOOD, moved=True) is None
    assert ran.error_of(GOOD, moved=False) is None
    assert len(seen) == 4


def test_a_fault_of_the_whole_run_is_that_of_every_table_that_did_not_move() -> None:
    ran = Ran(1, Cause("the bastion is away"), {})
    assert ran.error_of(GOOD, moved=False) == "the bastion is away"
    assert ran.error_of(GOOD, moved=True) is None
    assert Ran(0, None, {}).error_of(GOOD, moved=False) is None


def test_secrets_do_not_get_into_the_log_file() -> None:
    SECRETS.add(["correct-horse-battery"])
    seen: list[str] = []
    Observer(seen.append).read(json.dumps({"event": "password correct-horse-battery"}))
    assert "correct-horse" not in seen[0]
