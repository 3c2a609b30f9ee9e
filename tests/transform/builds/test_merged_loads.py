"""What a table holds after loads that come in every order, twice, late, and cut off.

The stories of different rows do not touch each other, so they are told side by side: four builds
serve them all.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dbt_project.project import Dbt, DbtResult, Landing, Query

if TYPE_CHECKING:
    from tidemark_sandbox.world import Sandbox

TABLE = "partner_info"
TEN = datetime(2026, 1, 1, 10)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
#: A row that is loaded: its name, replication key and time of reading.
Told = tuple[str, datetime | None, datetime]
#: For each row: what is loaded before each build.
STORIES: Mapping[str, tuple[int, Sequence[Told | None], str | None]] = {
    "a new version replaces the old one": (1, [("a", TEN, TEN), ("b", TEN + SECOND, TEN)], "b"),
    "a row that is not loaded again stays": (2, [("a", TEN, TEN)], "a"),
    "a row that comes later is added": (3, [None, ("a", TEN, TEN)], "a"),
    "an older version that comes late changes nothing": (
        4,
        [("new", TEN, TEN), ("old", TEN - SECOND, TEN + HOUR)],
        "new",
    ),
    "a tie goes to the later reading, though it was loaded first": (
        5,
        [("read at 12", TEN, TEN + 2 * HOUR), ("read at 11", TEN, TEN + HOUR)],
        "read at 12",
    ),
    "a row without a replication key is older than one with": (
        6,
        [("with", datetime(1, 1, 1), TEN), ("without", None, TEN + HOUR)],
        "with",
    ),
    "rows without a replication key go by the time of reading": (
        7,
        [("early", None, TEN), ("late", None, TEN + HOUR)],
        "late",
    ),
    "a file that is loaded again changes nothing": (
        8,
        [("a", TEN, TEN), ("b", TEN + DAY, TEN + DAY), ("a", TEN, TEN)],
        "b",
    ),
    "a deleted row goes": (9, [("a", TEN, TEN), ("deleted", TEN, TEN + HOUR)], None),
    "a deleted row does not come back from an older reading": (
        10,
        [("a", TEN, TEN), ("deleted", TEN, TEN + 2 * HOUR), ("a", TEN, TEN + HOUR)],
        None,
    ),
    "a row that is entered again after it was deleted is there": (
        11,
        [("a", TEN, TEN), ("deleted", TEN, TEN + HOUR), ("again", TEN + DAY, TEN + DAY)],
        "again",
    ),
    "a row that was deleted before it was seen is not there": (12, [("deleted", TEN, TEN)], None),
}


Row = dict[str, object]


def partner(key: int, name: str, update_at: datetime | None = TEN, **more: object) -> Row:
    return {"id": key, "partner_id": key, "partner_name": name, "update_at": update_at, **more}


def names(query: Query) -> dict[int, str]:
    return dict(query(f"select id, partner_name from public.{TABLE}", user="tidemark_transformer"))


def merge(dbt: Dbt, *arguments: str, check: bool = True) -> DbtResult:
    return dbt("run", "--select", TABLE, *arguments, check=check)


def version(key: int, told: Told) -> Row:
    name, update_at, read = told
    deleted = {"_sdc_deleted_at": read} if name == "deleted" else {}
    return partner(key, name, update_at, _sdc_extracted_at=read, **deleted)


@pytest.fixture(scope="module")
def told(built: Landing, dbt: Dbt, query: Query) -> tuple[dict[int, str], dict[int, str]]:
    """The table after all stories were built load by load, and after a full refresh."""
    built.clear()
    for step in range(max(len(told) for _, told, _ in STORIES.values())):
        built.load(
            TABLE,
            [
                version(key, row)
                for key, told, _ in STORIES.values()
                if len(told) > step and (row := told[step])
            ],
        )
        merge(dbt)
    step_by_step = names(query)
    merge(dbt, "--full-refresh")
    return step_by_step, names(query)


@pytest.mark.parametrize("story", STORIES)
def test_story(story: str, told: tuple[dict[int, str], dict[int, str]]) -> None:
    key, _, outcome = STORIES[story]
    step_by_step, refreshed = told
    assert step_by_step.get(key) == outcome
    assert refreshed.get(key) == outcome


def test_only_rows_of_new_loads_are_touched_and_a_repeat_touches_none(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    landing.load(TABLE, [partner(key, "a") for key in range(500)])
    assert merge(dbt).rows(TABLE) == 500
    landing.load(TABLE, [partner(key, "b", TEN + DAY) for key in range(7)])
    query(  # rows of a load that is not in the ledger were never committed
        f"insert into landing.{TABLE} (id, partner_name, update_at, _tidemark_load_id)"
        " values (999, 'orphan', '2026-01-01', 5)",
        user="tidemark_loader",
    )
    assert merge(dbt).rows(TABLE) == 7
    assert merge(dbt).rows(TABLE) == 0
    held = query(
        f"select count(*), sum(row_count) from tidemark_dbt.{TABLE}__loads",
        user="tidemark_transformer",
    )
    assert tuple(held[0]) == (2, 507)
    assert 999 not in names(query)


@pytest.mark.fault(17)
def test_a_run_that_is_killed_in_the_middle_changes_nothing_and_is_made_good(
    landing: Landing,
    dbt_env: dict[str, str],
    dbt: Dbt,
    query: Query,
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    landing.load(TABLE, [partner(1, "a")])
    merge(dbt)
    landing.load(TABLE, [partner(1, "a2", TEN + DAY), partner(2, "b")])
    blocker = sandbox.redshift.connect("tidemark_transformer")
    blocker.autocommit = False
    doomed = Dbt(dbt_env, tmp_path)
    try:
        blocker.cursor().execute(f"delete from tidemark_dbt.{TABLE}__versions where id = 1")
        doomed.start("run", "--select", TABLE)
        waiting = "select count(*) from pg_locks where not granted"
        deadline = time.monotonic() + 120
        while not (found := query(waiting)[0][0]) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert found, "dbt does not wait where it should be stopped"
        doomed.process.kill()
    finally:
        doomed.process.kill()
        doomed.close()
        blocker.rollback()
        blocker.close()
    assert names(query) == {1: "a"}
    assert merge(dbt).rows(TABLE) == 2
    assert names(query) == {1: "a2", 2: "b"}
