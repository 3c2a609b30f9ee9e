"""A follower among writers, with everything killed: the copies agree in the end, soon all the time.

TIDEMARK_FOLLOW_SECONDS is how long it takes, TIDEMARK_FOLLOW_SEED what is done (not when), and
TIDEMARK_FOLLOW_FAILOVER whether a replica takes the server's place in the middle, and how:
``planned``, ``crash`` or ``none``; by default the seed decides between the first two.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from following.breaks import Strikes
from following.follower import Following
from following.keeper import Keeper
from following.lag import Heart, quantile, spread
from following.replica import Sources, two_sources
from following.tables import TABLES, Key, add, create
from following.truth import disagreements
from following.writers import Writers
from projects.nights import Night
from tidemark_sandbox.world import Sandbox

#: Changed rows a second, of all tables together.
RATE = 200.0
#: So long a change may take, of nineteen in twenty (seconds).
P95 = 30.0


@pytest.fixture(scope="module")
def soaked(
    synced: tuple[Sandbox, Night],
    make_checkout: Callable[[Path, dict[str, str]], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Sandbox, Night, Sources, dict[str, list[Key]]]]:
    """A synced world with a replica, and six tables that are read by the log."""
    world, night = synced
    night = replace(night, root=make_checkout(tmp_path_factory.mktemp("project"), {}))
    keys = create(world, rows=300)
    with two_sources(world) as sources:
        add(night)
        yield world, night, sources, keys


@pytest.mark.soak
@pytest.mark.fault(199)
@pytest.mark.fault(207)
def test_under_writers_kills_and_a_failover_all_copies_agree_at_the_end(
    soaked: tuple[Sandbox, Night, Sources, dict[str, list[Key]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    world, night, sources, keys = soaked
    seconds = float(os.environ.get("TIDEMARK_FOLLOW_SECONDS", "240"))
    seed = int(os.environ.get("TIDEMARK_FOLLOW_SEED") or random.randrange(10**6))
    chance = random.Random(seed)
    how = os.environ.get("TIDEMARK_FOLLOW_FAILOVER") or chance.choice(("planned", "crash"))
    with capsys.disabled():
        print(f"\nTIDEMARK_FOLLOW_SEED={seed} TIDEMARK_FOLLOW_SECONDS={seconds:.0f} "
              f"TIDEMARK_FOLLOW_FAILOVER={how}", flush=True)  # fmt: skip
    with Keeper(night) as keeper:
        keeper.one.until(lambda rounds: rounds and not rounds[-1]["failed"])  # the first load
        with Heart(world) as heart, Writers(world, keys, chance, RATE) as writers:
            strikes = Strikes(world, keeper, sources, chance)
            begun, middle = time.monotonic(), time.monotonic() + seconds / 2
            while time.monotonic() < begun + seconds:
                time.sleep(min(chance.uniform(20, 60), seconds / 6))
                if how != "none" and time.monotonic() > middle:
                    sources.fail_over(planned=how == "planned")
                    how = "none"
                else:
                    strikes.strike()
            strikes.breaker.thaw()
        taken = time.monotonic() - begun
    # What a foreign key deletes, the log has nothing of (MySQL below 9.6, MariaDB).
    _settle(night, keeper.read_anew | {TABLES[1].full_name})
    found = disagreements(world, night)
    told = [lag for done in keeper.one.rounds for lag in done["lag_seconds"].values()]
    figures = {
        "server": world.source.name,
        "seconds": round(taken),
        "rows a second": round(writers.done["rows"] / taken),
        "done in MySQL": dict(writers.done),
        "rounds": len(keeper.one.rounds),
        "kills": dict(strikes.breaker.kills),
        "freezes": dict(strikes.breaker.freezes),
        "followers by exit code": dict(keeper.ended),
        "resyncs by exit code": dict(keeper.healed),
        "lag, from outside": str(heart),
        "p95 of the lag by minute": [
            round(quantile(lags, 0.95)) for _, lags in sorted(heart.minutes.items())
        ],
        "lag, the longest of each table and round, as followers told it": spread(told),
        "first differences": found[:20],
    }
    with capsys.disabled():
        print(json.dumps(figures, indent=1, ensure_ascii=False), flush=True)
    assert found == []
    assert heart.p95 <= P95


def _settle(night: Night, uncertain: Iterable[str]) -> None:
    """Nobody writes any more: what an operator does until nothing fails.

    Args:
        night: What is followed.
        uncertain: Tables from which rows may have gone that nobody was told of.
    """
    for _ in range(4):
        last = Following(night, "--rounds", "1")
        assert last.process.wait(600) == 0, last.output.read_text()[-2000:]
        if not last.rounds[-1]["failed"]:
            break
        for table in Keeper.gaps_of(last):
            assert night.tidemark("resync", "-t", table).returncode == 0
    for table in sorted(uncertain):
        done = night.tidemark("reconcile", "-t", table, "--yes")
        assert done.returncode in (0, 3), done.stdout
        assert night.tidemark("sync", "-t", table).returncode == 0
