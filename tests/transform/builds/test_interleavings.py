"""A build beside a load, and beside another build: whatever comes between which statements.

Two dbt processes. One stops before a statement of the model; the other one, or a load, goes on.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from dbt_project.project import EPOCH, Dbt, Landing, Query

TABLE = "partner_info"
RUN = ("run", "--select", TABLE)
#: As many as a build has, or a few more; where it would stop behind its last one, it does not.
STATEMENTS = 32
PATIENCE = 300.0


@pytest.fixture(scope="module")
def other(dbt_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dbt]:
    """Another machine's dbt, so to say: nothing is shared but the warehouse."""
    runner = Dbt(dbt_env, tmp_path_factory.mktemp("other"))
    yield runner
    runner.close()


def load(landing: Landing, keys: range, name: str) -> None:
    when = EPOCH + timedelta(hours=landing.loads)
    rows = [{"id": k, "partner_id": k, "partner_name": name, "update_at": when} for k in keys]
    landing.load(TABLE, rows)


def check(query: Query, loads: int) -> None:
    """The table has what its loads brought, each row once, and each load is marked once."""
    marked = query(f"select load_id from tidemark_dbt.{TABLE}__loads")
    assert len(marked) == len(set(marked)) == loads
    held = query(f"select id, partner_name from public.{TABLE} order by id")
    assert held == query(
        "select id, partner_name from (select id, partner_name, row_number() over"
        f" (partition by id order by update_at desc) as r from landing.{TABLE}"
        f" where _tidemark_load_id in (select load_id from tidemark_dbt.{TABLE}__loads)) as v"
        " where r = 1 order by id"
    )
    known = query(f"select id from tidemark_dbt.{TABLE}__versions order by id")
    assert known == [(key,) for key, _ in held]


def stopped(build: Dbt, told: Path) -> bool:
    """Waits until a build has stopped, or ended; whether it has stopped."""
    wait_for(lambda: told.exists() or build.has_ended(), "the build neither stops nor ends")
    return told.exists()


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def beside_a_load(landing: Landing, dbt: Dbt, query: Query, told: Path, statement: int) -> bool:
    landing.clear()
    load(landing, range(5), "first")
    dbt.start(*RUN, stop=(statement, told))
    has_stopped = stopped(dbt, told)
    load(landing, range(3, 8), "second")
    told.unlink(missing_ok=True)
    dbt.end()
    check(query, len(query(f"select load_id from tidemark_dbt.{TABLE}__loads")))
    dbt(*RUN)
    check(query, 2)
    return has_stopped


@dataclass(frozen=True)
class Race:
    """Two builds of the same loads: where the first one stops, and what they find."""

    statement: int
    is_first: bool = False
    flags: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    #: Seconds until the first one goes on; None: until the second one waits for it, or has ended.
    ahead: float | None = None


def draw(chance: random.Random) -> Race:
    flags = [("--full-refresh",) if chance.random() < 0.3 else () for _ in range(2)]
    ahead = chance.uniform(0, 4) if chance.random() < 0.5 else None
    return Race(chance.randint(1, STATEMENTS), chance.random() < 0.4, (flags[0], flags[1]), ahead)


def beside_a_build(
    landing: Landing, builds: tuple[Dbt, Dbt], query: Query, told: Path, race: Race
) -> list[int]:
    """Runs it; gives the rows that each of the two has put into the table."""
    first, second = builds
    landing.clear()
    load(landing, range(5), "first")
    if race.is_first:
        query(f"drop table public.{TABLE}", user="tidemark_transformer")
    else:
        first(*RUN)
    load(landing, range(3, 8), "second")
    first.start(*RUN, *race.flags[0], stop=(race.statement, told))
    try:
        has_stopped = stopped(first, told)
        second.start(*RUN, *race.flags[1])
        if has_stopped and race.ahead is None:
            waiting = "select count(*) from pg_locks where not granted"
            wait_for(lambda: second.has_ended() or query(waiting)[0][0], "the second build hangs")
        elif has_stopped and race.ahead is not None:
            time.sleep(race.ahead)
    finally:
        told.unlink(missing_ok=True)
    rows = [build.end().rows(TABLE) for build in builds]
    check(query, 2)
    if not any(race.flags):
        assert sorted(rows) == [0, 8 if race.is_first else 5], "one builds, one finds nothing to do"
    return rows


@pytest.mark.fault(106)
@pytest.mark.parametrize("statement", [2, 3, 6])
def test_a_load_beside_a_build_is_built_by_it_or_by_the_next(
    landing: Landing, dbt: Dbt, query: Query, tmp_path: Path, statement: int
) -> None:
    assert beside_a_load(landing, dbt, query, tmp_path / "told", statement)


@pytest.mark.soak
@pytest.mark.fault(106)
def test_a_load_between_any_two_statements_of_a_build(
    landing: Landing, dbt: Dbt, query: Query, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statement = 1
    while beside_a_load(landing, dbt, query, tmp_path / "told", statement):
        statement += 1
    with capsys.disabled():
        print(f"\na load before each of the {statement - 1} statements of a build")
    assert 20 < statement <= STATEMENTS + 1


@pytest.mark.fault(107)
@pytest.mark.parametrize(
    "race", [Race(9), Race(9, is_first=True), Race(20, flags=(("--full-refresh",), ()))]
)
def test_two_builds_at_once_build_each_load_once(
    landing: Landing, dbt: Dbt, other: Dbt, query: Query, tmp_path: Path, race: Race
) -> None:
    beside_a_build(landing, (dbt, other), query, tmp_path / "told", race)


@pytest.mark.soak
@pytest.mark.fault(107)
def test_sixty_races_of_two_builds(
    landing: Landing,
    dbt: Dbt,
    other: Dbt,
    query: Query,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    for number in range(60):
        race = draw(chance)
        with capsys.disabled():
            print(f"\nseed {seed}, race {number}: {race}", end="")
        rows = beside_a_build(landing, (dbt, other), query, tmp_path / "told", race)
        with capsys.disabled():
            print(f": rows {rows}", end="")


@pytest.mark.fault(107)
def test_a_build_that_waits_too_long_says_for_whom(
    landing: Landing, dbt: Dbt, dbt_env: dict[str, str], query: Query, tmp_path: Path
) -> None:
    load(landing, range(5), "first")
    hasty = Dbt(dbt_env | {"REDSHIFT_LOCK_TIMEOUT_SECONDS": "1"}, tmp_path / "hasty")
    told = tmp_path / "told"
    try:
        dbt.start(*RUN, stop=(10, told))
        assert stopped(dbt, told)
        failed = hasty(*RUN, check=False)
    finally:
        told.unlink(missing_ok=True)
        hasty.close()
    assert dbt.end().rows(TABLE) == 5
    assert not failed.success
    holder = r"another build holds it, session \d+ of tidemark_transformer, since 20\d\d-"
    assert re.search(f"error: {TABLE} was not built: {holder}.*waited 1 s.*Next: ", failed.output)
    check(query, 1)
