"""A real follower on real servers: changes are seen, a stop is clean, and kills lose nothing.

TIDEMARK_FOLLOW_SECONDS is how long the soak writes, and TIDEMARK_FOLLOW_SEED what it does.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from followed import Writers, add_to, create, disagreements
from nights import Night
from proctree import descendants
from tidemark_sandbox.world import Sandbox

TABLES = ("followed_a", "followed_b", "followed_c")
ROUND = "Round completed"


@pytest.fixture(scope="module")
def followed(
    synced: tuple[Sandbox, Night],
    make_checkout: Callable[[Path, dict[str, str]], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Sandbox, Night]:
    """The synced world, with three tables more, in a project that has them read by the log."""
    world, night = synced
    root = make_checkout(tmp_path_factory.mktemp("project"), {})
    create(world, TABLES, rows=300)
    add_to(root, TABLES)
    return world, replace(night, root=root)


class Following:
    """A follower that runs, and what it says."""

    def __init__(self, night: Night, *words: str) -> None:
        self.output = night.folder / "follow.out"
        program = str(night.root / ".venv/bin/tidemark")
        own = {"PATH": os.environ["PATH"], "MELTANO_PROJECT_ROOT": str(night.root)}
        with self.output.open("a") as file:
            self.process = subprocess.Popen(
                [program, "follow", "--every", "2s", *words],
                cwd=night.root,
                env=own | night.settings,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
            )

    @property
    def said(self) -> list[dict[str, Any]]:
        lines = [line for line in self.output.read_text().splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines]

    @property
    def rounds(self) -> list[dict[str, Any]]:
        return [line for line in self.said if line["event"] == ROUND]

    def until(self, true: Callable[[list[dict[str, Any]]], object], seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while not true(self.rounds):
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.2)

    def kill(self, number: signal.Signals) -> int:
        """Sends a signal, to all of it if it is SIGKILL; gives the exit code."""
        processes = descendants(self.process.pid) if number == signal.SIGKILL else []
        for pid in [self.process.pid, *processes]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        return self.process.wait(120)


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
    first, second, _ = TABLES
    world.mysql(f"UPDATE {first} SET n = 7 WHERE id < 5")
    world.mysql(f"DELETE FROM {first} WHERE id = 9")
    world.mysql(f"INSERT INTO {second} VALUES (1000, 1, 'new', NULL, NULL)")
    wanted = {f"settlement.{table}" for table in (first, second)}

    def all_seen(rounds: list[dict[str, Any]]) -> bool:
        return wanted <= {table for done in rounds for table in done["lag_seconds"]}

    one.until(all_seen)
    children = descendants(one.process.pid)
    assert one.kill(signal.SIGTERM) == 143
    assert not [pid for pid in children if Path("/proc", str(pid)).exists()]
    assert not list((night.folder / "tmp").glob("tidemark-ssh-*"))
    assert disagreements(world, night, TABLES) == []
    last = one.said[-1]
    assert last["event"].startswith("Lag from commit to view: p50 ")
    assert 0 < last["p50"] <= last["p95"] <= last["max"]
    assert not any(done["failed"] for done in one.rounds)
    assert night.alerts == []
    seen = {table for done in one.rounds[1:] for table in done["tables"]}
    assert seen == wanted, "no round for a table in which nothing changed"
    (report,) = [key for key in night.objects("runs/") if key.endswith("_follow.json")]
    told = {t["table"]: t["lag_seconds"] for t in json.loads(night.body(report))["tables"]}
    assert told.keys() == {f"settlement.{table}" for table in TABLES}


@pytest.mark.soak
@pytest.mark.fault(199)
def test_under_writers_and_kills_all_copies_agree_at_the_end(
    followed: tuple[Sandbox, Night], start: Callable[..., Following]
) -> None:
    world, night = followed
    seconds = float(os.environ.get("TIDEMARK_FOLLOW_SECONDS", "180"))
    seed = int(os.environ.get("TIDEMARK_FOLLOW_SEED", str(random.randrange(10**6))))
    print(f"TIDEMARK_FOLLOW_SEED={seed} TIDEMARK_FOLLOW_SECONDS={seconds:.0f}", flush=True)
    chance, end, kills = random.Random(seed), time.monotonic() + seconds, 0
    with Writers(world, TABLES, seed, rate=200) as writers:
        one = start()
        while time.monotonic() < end:
            time.sleep(min(chance.uniform(20, 60), max(0.0, end - time.monotonic())))
            victims = descendants(one.process.pid)
            if chance.random() < 0.5 and victims:
                os.kill(chance.choice(victims), signal.SIGKILL)
            else:
                one.kill(chance.choice([signal.SIGKILL, signal.SIGTERM]))
                one = start()
            kills += 1
    one.kill(signal.SIGTERM)
    # Nobody writes any more: a round has all of it, once nothing of it fails.
    for _ in range(3):
        last = start("--rounds", "1")
        assert last.process.wait(600) == 0, last.output.read_text()[-2000:]
        if not last.rounds[-1]["failed"]:
            break
    assert disagreements(world, night, TABLES) == []
    lags = sorted(lag for done in last.rounds for lag in done["lag_seconds"].values())
    p95 = lags[int(len(lags) * 0.95)] if lags else None
    print(f"{writers.changed} rows changed, {kills} kills, {len(last.rounds)} rounds, p95 of the "
          f"longest lag of a table in a round {p95} s", flush=True)  # fmt: skip


@pytest.mark.soak
@pytest.mark.fault(194)
def test_a_gap_is_healed_from_end_to_end(followed: tuple[Sandbox, Night]) -> None:
    world, night = followed
    table = f"settlement.{TABLES[2]}"
    assert night.tidemark("sync", "-t", table).returncode == 0
    world.mysql(f"UPDATE {TABLES[2]} SET n = 9 WHERE id < 5")
    world.mysql(f"DELETE FROM {TABLES[2]} WHERE id BETWEEN 10 AND 12")
    world.mysql("FLUSH BINARY LOGS")
    newest = world.mysql("SHOW BINARY LOGS")[-1][0]
    deadline = time.monotonic() + 60
    while len(world.mysql("SHOW BINARY LOGS")) > 1 and time.monotonic() < deadline:
        world.mysql(f"PURGE BINARY LOGS TO '{newest}'")
        time.sleep(0.2)
    failed = night.tidemark("sync", "-t", table)
    assert failed.returncode == 1
    assert f"tidemark resync -t {table}" in failed.stdout
    healed = night.tidemark("resync", "-t", table)
    assert healed.returncode == 0, healed.stdout
    assert disagreements(world, night, TABLES[2:]) == []
    assert night.tidemark("sync", "-t", table).returncode == 0
