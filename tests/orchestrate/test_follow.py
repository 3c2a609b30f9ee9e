"""A real follower on real servers: changes are seen, and a stop is clean."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from following.follower import Following
from following.tables import TABLES, add, create
from following.truth import disagreements
from processes.proctree import descendants, end
from projects.nights import Night
from tidemark_sandbox.world import Sandbox


@pytest.fixture(scope="module")
def followed(
    synced: tuple[Sandbox, Night],
    make_checkout: Callable[[Path, dict[str, str]], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Sandbox, Night]:
    """The synced world, with six tables more, in a project that has them read by the log."""
    world, night = synced
    night = replace(night, root=make_checkout(tmp_path_factory.mktemp("project"), {}))
    create(world, rows=300)
    add(night)
    return world, night


@pytest.fixture
def start(followed: tuple[Sandbox, Night]) -> Iterator[Callable[..., Following]]:
    """Starts followers; whatever is left of them at the end is killed."""
    started: list[Following] = []

    def start(*words: str) -> Following:
        started.append(Following(followed[1], *words))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill(signal.SIGKILL)


@pytest.mark.fault(195)
def test_changes_are_seen_and_a_stop_leaves_nothing(
    followed: tuple[Sandbox, Night], start: Callable[..., Following]
) -> None:
    world, night = followed
    one = start()
    one.until(lambda rounds: len(rounds) >= 1)
    first, second, third = TABLES[0], TABLES[2], TABLES[4]
    world.mysql(f"UPDATE {first.name} SET n = 7 WHERE id < 5")
    world.mysql(f"DELETE FROM {first.name} WHERE id = 9")
    world.mysql(second.insert("INSERT"), (7, "new", 1, "new", None, None))
    like = (3).to_bytes(5, "little") + b"%"
    world.mysql(f"UPDATE {third.name} SET code = x'FF00' WHERE code LIKE %s", [like])
    wanted = {table.full_name for table in (first, second, third)}

    def all_seen(rounds: list[dict[str, Any]]) -> bool:
        return wanted <= {table for done in rounds for table in done["lag_seconds"]}

    one.until(all_seen)
    children = descendants(one.process.pid)
    assert one.kill(signal.SIGTERM) == 143
    assert end(*children)
    assert not list((night.folder / "tmp").glob("tidemark-ssh-*"))
    assert disagreements(world, night) == []
    last = one.said[-1]
    assert last["event"].startswith("Lag from commit to view: p50 ")
    assert 0 < last["p50"] <= last["p95"] <= last["max"]
    assert not any(done["failed"] for done in one.rounds)
    assert night.alerts == []
    seen = {table for done in one.rounds[1:] for table in done["tables"]}
    assert seen == wanted, "no round for a table in which nothing changed"
    (report,) = [key for key in night.objects("runs/") if key.endswith("_follow.json")]
    told = {t["table"]: t["lag_seconds"] for t in json.loads(night.body(report))["tables"]}
    assert told.keys() == {table.full_name for table in TABLES}


def purge(world: Sandbox) -> None:
    """Removes the log up to now."""
    world.mysql("FLUSH BINARY LOGS")
    newest = world.mysql("SHOW BINARY LOGS")[-1][0]
    deadline = time.monotonic() + 60
    while len(world.mysql("SHOW BINARY LOGS")) > 1 and time.monotonic() < deadline:
        world.mysql(f"PURGE BINARY LOGS TO '{newest}'")
        time.sleep(0.2)


@pytest.mark.soak
@pytest.mark.fault(194)
def test_a_gap_is_healed_from_end_to_end(followed: tuple[Sandbox, Night]) -> None:
    world, night = followed
    (name, table) = (TABLES[0].name, TABLES[0].full_name)
    assert night.tidemark("sync", "-t", table).returncode == 0
    world.mysql(f"UPDATE {name} SET n = 9 WHERE id < 5")
    world.mysql(f"DELETE FROM {name} WHERE id BETWEEN 10 AND 12")
    purge(world)
    failed = night.tidemark("sync", "-t", table)
    assert failed.returncode == 1
    assert f"tidemark resync -t {table}" in failed.stdout
    healed = night.tidemark("resync", "-t", table)
    assert healed.returncode == 0, healed.stdout
    assert disagreements(world, night, TABLES[:1]) == []
    assert night.tidemark("sync", "-t", table).returncode == 0


#: How often `resync` is killed.
KILLS = int(os.environ.get("TIDEMARK_RESYNC_KILLS", "5"))


def change(world: Sandbox, name: str, chance: random.Random) -> None:
    """Changes some rows of the first table, takes some out, brings some in."""
    first = chance.randrange(1, 280)
    world.mysql(f"UPDATE {name} SET n = n + 1 WHERE id BETWEEN {first} AND {first + 5}")
    world.mysql(f"DELETE FROM {name} WHERE id = {first + 9}")
    world.mysql(f"UPDATE {name} SET id = id + {chance.randrange(10**6)} WHERE id = {first + 12}")


@pytest.mark.soak
@pytest.mark.fault(216)
def test_a_resync_that_is_killed_anywhere_is_done_by_the_next(
    followed: tuple[Sandbox, Night],
) -> None:
    world, night = followed
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    name, table = TABLES[0].name, TABLES[0].full_name
    assert night.tidemark("sync", "-t", table).returncode == 0
    words = [str(night.root / ".venv/bin/tidemark"), "resync", "-t", table]
    own = {"PATH": os.environ["PATH"], "MELTANO_PROJECT_ROOT": str(night.root)}
    seconds = 15.0
    for number in range(KILLS):
        change(world, name, chance)
        purge(world)
        change(world, name, chance)
        place = chance.uniform(seconds * number / KILLS, seconds * (number + 1) / KILLS)
        with night.start(words, **own, **night.settings) as process:
            time.sleep(place)
            children = descendants(process.pid)
            process.kill()
            assert end(*children)
        change(world, name, chance)
        begun = time.monotonic()
        healed = night.tidemark("resync", "-t", table)
        seconds = time.monotonic() - begun
        print(f"killed after {place:.1f} s, {len(children)} below it; healed in {seconds:.1f} s")
        assert healed.returncode == 0, healed.stdout
        assert disagreements(world, night, TABLES[:1]) == []
        change(world, name, chance)
        again = night.tidemark("sync", "-t", table)
        assert again.returncode == 0, again.stdout
        assert disagreements(world, night, TABLES[:1]) == []
