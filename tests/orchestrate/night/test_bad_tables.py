"""Bad tables between good ones: each stops itself alone, however the night is started."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from bad_tables.kinds import ALL_BAD
from bad_tables.settlement import GOOD, BadTables, error_events
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from projects.nights import Night

BAD = {f"settlement.{bad.name}": bad for bad in ALL_BAD}


@pytest.fixture
def bad(synced: tuple[Sandbox, Night]) -> Iterator[BadTables]:
    """The bad tables, good as yet, beside the good ones, which have been copied once."""
    tables = BadTables(*synced)
    try:
        tables.make()
        yield tables
    finally:
        tables.drop()


def assert_current(world: Sandbox) -> None:
    """Landing and public have what MySQL has of the good tables."""
    for table in GOOD:
        newest = f"max({'ID' if table == 'delivery_status' else 'update_at'})"
        what = f"SELECT {newest}, count(*) FROM"
        there = world.mysql(f"{what} {table}")
        assert world.warehouse(f"{what} public.{table}") == there, table
        ((landed, _),) = world.warehouse(f"{what} landing.{table}")
        assert landed == there[0][0], table


def assert_told(errors: dict[str, str]) -> None:
    """Each bad table has an error of its own, and no good one has any."""
    assert sorted(errors) == sorted(BAD)
    for name, kind in BAD.items():
        assert re.search(kind.says, errors[name], re.DOTALL), errors[name]


def assert_told_once(log: list[dict[str, Any]]) -> None:
    """Each bad table has one error, no good one has any, and there is no traceback."""
    told = error_events(log)
    assert [name for name, events in told.items() if len(events) > 1] == [], told
    assert_told({name: event for name, (event,) in told.items()})
    assert [line for line in log if "exception" in line or "plugin_exception" in line] == []
    assert [line for line in log if "Traceback" in line["event"]] == []
    (last,) = [line for line in log if line.get("error_type") == "TablesError"]
    assert last["level"] == "error"
    assert last["event"].startswith(f"{len(BAD)} tables failed; the others are done:")
    for name in BAD:
        assert last["event"].count(f"[table {name}") == 1, last["event"]


def by_meltano(night: Night) -> None:
    """``meltano run sync`` as somebody types it."""
    done = night.meltano("--log-format=json", "run", "sync")
    log = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == 1, log[-5:]
    assert_told_once(log)


def by_job(night: Night) -> None:
    """``run-job sync``, by cron, which mails what it says."""
    done = night.job("sync")
    assert done.returncode == 1, done.stdout
    assert_told_once(night.log("sync"))
    for name in BAD:
        assert done.stdout.count(f"[table {name}") == 1, done.stdout


def by_tidemark(night: Night) -> None:
    """``tidemark sync`` of all tables."""
    words = [word for table in (*GOOD, *BAD) for word in ("-t", table)]
    done = night.tidemark("sync", "--format", "json", *words)
    said = done.stdout
    assert done.returncode == 1, said
    results = json.loads(said[said.index("{") : said.rindex("}") + 1])["results"]
    assert_told({result["table"]: result["error"] for result in results if result["error"]})
    assert {result["table"] for result in results if not result["done"]} == set(BAD)
    assert "Traceback" not in said


@pytest.mark.fault(19)
@pytest.mark.fault(136)
def test_the_warehouse_of_the_good_tables_moves_forward_the_same_night(
    synced: tuple[Sandbox, Night], bad: BadTables
) -> None:
    world, night = synced
    bad.spoil()
    world.change(20, seed=31)
    by_meltano(night)
    assert_current(world)


@pytest.mark.soak
@pytest.mark.fault(136)
def test_it_does_so_night_after_night_however_it_is_started(
    synced: tuple[Sandbox, Night], bad: BadTables
) -> None:
    world, night = synced
    done = night.job("sync")
    assert done.returncode == 0, done.stdout
    bad.spoil()
    for seed, way in enumerate((by_job, by_meltano, by_tidemark, by_job), 41):
        world.change(20, seed=seed)
        way(night)
        assert_current(world)
    bad.mend()
    done = night.job("sync")
    assert done.returncode == 0, done.stdout
    assert night.alerts[-1]["kind"] == "recovered"
    for kind in ALL_BAD:
        if kind.source.columns:
            what = "SELECT max(update_at) FROM"
            assert world.warehouse(f"{what} landing.{kind.name}") == world.mysql(
                f"{what} {kind.name}"
            )
