"""A first load that takes longer than the server keeps its log."""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tap_mysql.binlog.retention import Retention
from tap_mysql.extraction.log.follow import Follower
from tidemark_core.errors import SourceError

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Result, Source

ROWS = 300
#: Seconds for which the log is kept.
_KEPT = 0.15


def logged(source: Source, state: Any = None) -> Result:
    catalog = source.catalog("t")
    catalog["streams"][0]["replication_method"] = "LOG_BASED"
    return source.run(catalog, state, backup_batch_size=100)


def purge(source: Source, file: str) -> None:
    """Removes what comes before a file; the server keeps one until nobody reads it."""
    for _ in range(200):
        source.sql(f"PURGE BINARY LOGS TO '{file}'")
        if source.sql("SHOW BINARY LOGS")[0][0] == file:
            return
        time.sleep(0.02)
    raise AssertionError(source.sql("SHOW PROCESSLIST"))


class Server:
    """Writes to the table while it is loaded, and removes the log of what it wrote before."""

    def __init__(self, source: Source, seed: int) -> None:
        self._source, self._chance = source, random.Random(seed)

    def go_on(self) -> None:
        with self._source.transaction() as run:
            for _ in range(12):
                run(self._statement())
        newest = self._source.sql("SHOW BINARY LOGS")[-1][0]
        self._source.sql("FLUSH BINARY LOGS")
        purge(self._source, newest)
        time.sleep(_KEPT / 3)

    def _statement(self) -> str:
        key, other = self._chance.sample(range(1, ROWS + 20), 2)
        return self._chance.choice(
            (
                f"REPLACE INTO t VALUES ({key}, {other})",
                f"UPDATE t SET v = v + 1 WHERE id = {key}",
                f"UPDATE IGNORE t SET id = {other} WHERE id = {key}",
                f"DELETE FROM t WHERE id = {key}",
            )
        )


@pytest.fixture
def server(source: Source) -> Server:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    source.make("t", "id INT PRIMARY KEY, v INT NOT NULL")
    source.sql(f"INSERT INTO t SELECT seq, seq {source.numbers(ROWS)}")
    return Server(source, seed)


def between_files(patch: pytest.MonkeyPatch, server: Server, *, replays: bool = True) -> None:
    """Has the server go on before each look at its retention, which is a short one."""
    is_near = Retention.is_near

    def watched(self: Retention, since: datetime) -> bool:
        server.go_on()
        return replays and is_near(Retention(_KEPT, self.now, self._made), since)

    patch.setattr(Retention, "is_near", watched)


def newest(*results: Result) -> dict[int, int]:
    """The rows that are there, as a warehouse finds them."""
    rows = [row for result in results for row in result.rows("t")]
    found = {row["id"]: row for row in sorted(rows, key=lambda row: row["_sdc_extracted_at"])}
    return {key: row["v"] for key, row in found.items() if row["_sdc_deleted_at"] is None}


@pytest.mark.fault(201)
def test_a_load_that_takes_longer_than_the_log_is_kept_ends_in_no_gap(
    source: Source, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        between_files(patch, server)
        first = logged(source)
        if first.error is not None:
            raise first.error
    second = logged(source, first.state)
    if second.error is not None:
        raise second.error
    assert newest(first, second) == dict(source.sql("SELECT id, v FROM t"))
    positions = [
        (own["position"]["file"], own["position"]["offset"])
        for message in first.of("STATE")
        for own in [message["value"]["bookmarks"].get("tap_test-t", {}).get("tidemark")]
        if own is not None
    ]
    assert positions == sorted(positions)
    assert len(set(positions)) > 3


class Killed(BaseException):
    """As SIGKILL: what was told before is told, and nothing is after it."""


@pytest.mark.fault(202)
def test_a_kill_between_a_replay_and_the_next_part_loses_nothing(
    source: Source, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught_up = Follower.catch_up
    times = 0

    def kill(self: Follower, *words: Any) -> Any:
        nonlocal times
        bookmark = caught_up(self, *words)
        times += 1
        if times % 2 == 0:
            raise Killed
        return bookmark

    results: list[Result] = []
    with monkeypatch.context() as patch:
        between_files(patch, server)
        patch.setattr(Follower, "catch_up", kill)
        for _ in range(20):
            results.append(logged(source, results[-1].state if results else None))
            if results[-1].error is None:
                break
            assert isinstance(results[-1].error, Killed)
            assert "first_load" in results[-1].bookmark("t")["tidemark"]
    assert len(results) > 1
    results.append(logged(source, results[-1].state))
    assert results[-1].error is None
    assert newest(*results) == dict(source.sql("SELECT id, v FROM t"))


@pytest.mark.fault(201)
def test_without_replays_such_a_load_would_end_in_a_gap(
    source: Source, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    between_files(monkeypatch, server, replays=False)
    assert isinstance(logged(source).error, SourceError)


def test_a_position_is_moved_when_it_is_a_quarter_as_old_as_the_log_may_get() -> None:
    now = datetime(2026, 1, 10)
    for seconds, age, near in (
        (None, 1e9, False),
        (0, 1, True),
        (86_400, 21_500, False),
        (86_400, 21_700, True),
    ):
        assert Retention(seconds, now).is_near(now - timedelta(seconds=age)) == near
    assert Retention(4, now, time.monotonic() - 1.1).is_near(now), "time goes by while it is read"
