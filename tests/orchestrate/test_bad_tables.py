"""Bad tables between good ones: each stops itself alone, however the night is started."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from badtables import KINDS, BadTables, error_events
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from conftest import Night

GOOD = (
    "billing_summary",
    "delivery_status",
    "partner_info",
    "settlement_claim_detail",
    "settlement_normal_delivery_detail",
    "settlement_return_detail",
)


@pytest.fixture
def bad(world: Sandbox, night: Night) -> Iterator[BadTables]:
    """All tables of both sorts in the lake and in landing, and then the bad ones spoilt."""
    tables = BadTables(world, night)
    try:
        tables.make()
        done = night.job("sync")
        assert done.returncode == 0, done.stdout
        tables.spoil()
        yield tables
    finally:
        tables.drop()


def assert_current(world: Sandbox) -> None:
    """Public has what MySQL has of the good tables."""
    for table in GOOD:
        what = f"SELECT count(*), max({'ID' if table == 'delivery_status' else 'update_at'}) FROM"
        assert world.warehouse(f"{what} public.{table}") == world.mysql(f"{what} {table}"), table


def assert_told_once(log: list[dict[str, Any]]) -> None:
    """Each bad table has one error, no good one has any, and there is no traceback."""
    told = error_events(log)
    assert sorted(told) == sorted(kind.name for kind in KINDS)
    for kind in KINDS:
        (error,) = told[kind.name]
        assert kind.words in error
    assert [line for line in log if "exception" in line or "plugin_exception" in line] == []
    assert [line for line in log if "Traceback" in line["event"]] == []
    (last,) = [line for line in log if line.get("error_type") == "TablesError"]
    assert last["level"] == "error"
    for kind in KINDS:
        assert last["event"].count(f"[table {kind.name}") == 1


def meltano(night: Night) -> tuple[int, list[dict[str, Any]]]:
    """``meltano run sync`` as somebody types it; its exit code and its log."""
    words = [str(night.root / ".venv/bin/meltano"), "--log-format=json", "run", "sync"]
    environ = {"PATH": os.environ["PATH"], "MELTANO_CLI_DISABLE_VERSION_CHECK": "1"}
    environ |= night.settings | {"MELTANO_PROJECT_ROOT": str(night.root)}
    done = night.run(["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(night.root), *words], **environ)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done.returncode, lines


@pytest.mark.fault(19)
@pytest.mark.fault(136)
def test_the_warehouse_of_the_good_tables_moves_forward_the_same_night(
    night: Night, world: Sandbox, bad: BadTables
) -> None:
    world.change(20, seed=31)
    code, log = meltano(night)
    assert code == 1, log[-5:]
    assert_told_once(log)
    assert_current(world)
    bad.mend()
    done = night.job("sync")
    assert done.returncode == 0, done.stdout


@pytest.mark.soak
@pytest.mark.fault(136)
def test_it_does_so_night_after_night_however_it_is_started(
    night: Night, world: Sandbox, bad: BadTables
) -> None:
    for seed in (41, 42):
        world.change(20, seed=seed)
        done = night.job("sync")
        assert done.returncode == 1
        assert_told_once(night.log("sync"))
        for kind in KINDS:
            assert done.stdout.count(f"[table {kind.name}") == 1, "in what cron mails"
        assert_current(world)
    for seed in (43, 44):
        world.change(20, seed=seed)
        code, log = meltano(night)
        assert code == 1
        assert_told_once(log)
        assert_current(world)
    for seed in (45, 46):
        world.change(20, seed=seed)
        code, results = tidemark_sync(night)
        assert code == 1
        failed = {result["table"]: result["error"] for result in results if result["error"]}
        assert sorted(failed) == sorted(kind.name for kind in KINDS)
        for kind in KINDS:
            assert kind.words in failed[kind.name]
        assert {result["table"] for result in results if not result["done"]} == set(failed)
        assert_current(world)
    bad.mend()
    done = night.job("sync")
    assert done.returncode == 0, done.stdout
    assert night.alerts[-1]["kind"] == "recovered"


def tidemark_sync(night: Night) -> tuple[int, list[dict[str, Any]]]:
    """``tidemark sync`` of all tables; its exit code and what it says of each."""
    words = [str(night.root / ".venv/bin/tidemark"), "sync", "--format", "json"]
    for table in (*GOOD, *(kind.table for kind in KINDS)):
        words += ["-t", table]
    environ = night.settings | {"MELTANO_PROJECT_ROOT": str(night.root)}
    done = night.run(words, **environ, PATH=os.environ["PATH"])
    return done.returncode, json.loads(done.stdout[done.stdout.index("{") :])["results"]
