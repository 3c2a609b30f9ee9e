"""Why a run failed, from the lines that it wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from tidemark.runner.failure_cause import Cause, CauseFinder


def cause(*lines: Mapping[str, object] | str, code: int = 1) -> Cause:
    finder = CauseFinder()
    for line in lines:
        finder.read(line if isinstance(line, str) else json.dumps(line))
    return finder.cause(code)


TUNNEL = {
    "event": "the bastion b:22 refused the connection: no sshd is listening there\n  Next: check",
    "level": "error",
    "name": "tap-mysql",
    "error_type": "TunnelError",
    "table": "a.b",
    "next": "check SSH_BASTION_HOST",
}
MELTANO = {
    "event": "Run invocation could not be completed as block failed: Extractor failed",
    "level": "error",
    "name": "meltano",
}


def test_what_one_of_our_parts_said_comes_before_meltanos_last_words() -> None:
    found = cause({"event": "starting", "level": "info"}, MELTANO, TUNNEL)
    assert found.message.startswith("the bastion b:22 refused")
    assert (found.kind, found.part, found.table) == ("TunnelError", "tap-mysql", "a.b")
    assert found.next == "check SSH_BASTION_HOST"


def test_the_first_of_ours_is_the_cause() -> None:
    later = {**TUNNEL, "event": "the tap has ended", "error_type": "LakeError"}
    assert cause(TUNNEL, later).kind == "TunnelError"


@pytest.mark.parametrize(
    ("kind", "code"),
    [("LeaseError", 4), ("ConfigError", 2), ("VerificationError", 3), ("TunnelError", 1), ("", 1)],
)
def test_the_exit_code_is_that_of_the_error(kind: str, code: int) -> None:
    assert Cause("x", kind).exit_code == code


@pytest.mark.parametrize("kind", ["annotations", "Exception", "os", "__name__"])
def test_a_name_that_is_no_error_of_ours_is_just_a_failure(kind: str) -> None:
    assert Cause("x", kind).exit_code == 1


def test_dbt_is_quoted_with_its_reason() -> None:
    lines = [
        "02:00:09  1 of 14 ERROR creating sql table model public.partner_info [ERROR in 0.1s]",
        "\x1b[0m02:00:11  \x1b[31mFailure in model partner_info (models/tables/p.sql)\x1b[0m",
        "02:00:11",
        "\x1b[31m02:00:11    Database Error in model partner_info (models/tables/p.sql)\x1b[0m",
        '02:00:11    relation "landing.partner_info" does not exist',
        "02:00:11  Failure in test not_null_partner_info_id (models/tables/p.yml)",
        "02:00:11    Got 3 results, configured to fail if != 0",
    ]
    found = cause(*({"event": line, "level": "info", "name": "dbt"} for line in lines), MELTANO)
    assert found.message == (
        "Database Error in model partner_info (models/tables/p.sql): "
        'relation "landing.partner_info" does not exist (and 1 more)'
    )
    assert found.part == "dbt"
    assert found.next is not None
    assert "meltano run build" in found.next


def test_without_anything_better_meltanos_words_are_used() -> None:
    assert cause(MELTANO).message == MELTANO["event"]
    assert cause(MELTANO, {"event": "No such job", "level": "error"}).message == "No such job"


def test_silence_is_a_cause_too() -> None:
    assert cause(code=7).message == "exit code 7"
    assert "after: a line that is not JSON" in cause("a line that is not JSON", "", code=7).message
    assert "killed" in cause(MELTANO, code=-9).message
    assert "terminated" in cause(code=143).message


@pytest.mark.parametrize(("code", "word"), [(143, "SIGTERM"), (-15, "SIGTERM"), (130, "Ctrl-C")])
def test_what_parts_say_as_they_are_ended_is_no_cause(code: int, word: str) -> None:
    assert word in cause(TUNNEL, MELTANO, code=code).message


def test_the_same_fault_has_the_same_fingerprint() -> None:
    held = "target (pid 81 on h) since 2026-01-01T02:00:00Z, run 0b5c1a52-6d7e-4d0c-9a44-74696465"
    later = held.replace("81", "4711").replace("02:00", "03:00")
    assert Cause(held).fingerprint == Cause(later).fingerprint
    assert Cause(held).fingerprint != Cause(held, table="a.b").fingerprint
    assert Cause("no space").fingerprint != Cause("no bucket").fingerprint


def test_dbt_that_could_not_begin_is_quoted_too() -> None:
    lines = [
        "13:31:04  Encountered an error:",
        "Database Error",
        "  password authentication failed",
    ]
    found = cause(*({"event": line, "level": "info", "name": "dbt"} for line in lines))
    assert found.message == "dbt could not start: Database Error: password authentication failed"


def test_the_tunnel_before_dbt_is_quoted_too() -> None:
    line = {"event": "error: the bastion b:22 refused", "level": "info", "name": "dbt"}
    then = {"event": "  Next: correct SSH_BASTION_USER", "level": "info", "name": "dbt"}
    found = cause(line, then, MELTANO)
    assert (found.message, found.next) == ("the bastion b:22 refused", "correct SSH_BASTION_USER")


def test_of_a_block_meltanos_reason_is_used() -> None:
    block = {"event": "Block run completed", "level": "error", "err": "`dbt build` failed"}
    assert cause(block).message == "`dbt build` failed"


TABLE = {**TUNNEL, "event": "no key [table a.b]", "error_type": "SourceError"}
NIGHT = {
    "event": "1 table failed; the others are done:\n  tap-mysql: no key [table a.b]",
    "level": "error",
    "name": "night",
    "error_type": "TablesError",
    "exit_code": 4,
}
BLOCK = {"event": "Block run completed", "level": "error", "err": "`night end` failed"}


@pytest.mark.fault(136)
def test_a_job_that_tells_of_its_tables_at_the_end_is_quoted() -> None:
    found = cause(TABLE, NIGHT, BLOCK)
    assert (found.message, found.exit_code) == (NIGHT["event"], 4)


@pytest.mark.fault(136)
def test_what_ended_the_job_comes_before_a_table_that_failed() -> None:
    away = {**TUNNEL, "table": None, "event": "the warehouse is away"}
    assert cause(TABLE, away, MELTANO).message == "the warehouse is away"


@pytest.mark.fault(136)
def test_of_a_build_that_failed_alone_dbt_is_quoted_and_else_both() -> None:
    lines = ["Failure in model x (m.sql)", "  Database Error in model x (m.sql)", "  no such table"]
    dbt = [{"event": line, "level": "info", "name": "dbt"} for line in lines]
    night = {**NIGHT, "event": "the last leg failed:\n  dbt: as it says above"}
    assert cause(*dbt, night, BLOCK).part == "dbt"
    both = cause(TABLE, *dbt, NIGHT, BLOCK).message
    assert "no key [table a.b]" in both
    assert "no such table" in both
