"""A table with many manifests is not listed whole each time, and nothing is missed. Generated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_s3_parquet import bookmark
from tap_s3_parquet.backlog import Backlog
from tap_s3_parquet.bookmark import Bookmark, Entry
from tidemark_core.errors import StateError
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from tap_s3_parquet.index import Index

TABLE = TableName("shop", "orders")
BEGIN = datetime(2025, 8, 3, tzinfo=UTC)


@dataclass
class Lake:
    """S3, as far as a backlog asks it; its clock stands still unless it is moved."""

    clock: datetime = BEGIN
    put: list[tuple[datetime, Entry]] = field(default_factory=list)
    asked: list[datetime | None] = field(default_factory=list)

    def now(self) -> datetime:
        return self.clock

    def manifests(self, _: TableName, *, since: datetime | None) -> list[Entry]:
        self.asked.append(since)
        seen = [entry for visible, entry in self.put if visible <= self.clock]
        listed = [entry for entry in seen if since is None or entry.moment >= since]
        return sorted(listed, key=lambda entry: (entry.moment, *entry.order))

    def write(self, late: timedelta, hidden: timedelta) -> None:
        """Puts a manifest of an extraction some time ago, which is seen some time later."""
        name = f"{len(self.put)}.json"
        entry = Entry(f"x/{TABLE.lake}/{name}", self.clock, self.clock - late, (name,), name)
        self.put.append((self.clock + hidden, entry))

    def hand_over(self, state: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """One run: the state after it, and what was handed over."""
        done = Bookmark.from_state(state, TABLE)
        backlog = Backlog(cast("Index", self), TABLE, done, start=None, listing=False)
        new = [entry for entry in backlog._manifests if backlog._is_new(entry)]
        for entry in new:
            backlog.done([entry])
        backlog.settle()
        return backlog.bookmark.to_state(), [entry.name for entry in new]


MINUTES = st.integers(0, 40).map(lambda minutes: timedelta(minutes=minutes))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), MINUTES, MINUTES),
        st.tuples(st.just("run"), MINUTES, MINUTES),
        st.tuples(
            st.just("put"),
            st.integers(0, 600).map(lambda minutes: timedelta(minutes=minutes)),
            st.integers(0, 14).map(lambda minutes: timedelta(minutes=minutes)),
        ),
    ),
    max_size=60,
)


def played(steps: list[tuple[str, timedelta, timedelta]]) -> tuple[Lake, list[str]]:
    """What was handed over of what was put, once everything has been listed again."""
    lake, state, handed = Lake(), dict[str, Any](), list[str]()
    rest = [("wait", timedelta(minutes=20), timedelta()), ("run", timedelta(), timedelta())] * 5
    for what, first, second in [*steps, *rest]:
        if what == "put":
            lake.write(first, second)
        elif what == "wait":
            lake.clock += first
        else:
            state, names = lake.hand_over(state)
            handed += names
    return lake, handed


@pytest.fixture(autouse=True, scope="module")
def many() -> Iterator[None]:
    """Every table counts as one with many manifests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bookmark, "_MANY", 0)
        yield


@given(STEPS)
def test_what_is_put_under_an_old_name_or_seen_late_is_handed_over(
    steps: list[tuple[str, timedelta, timedelta]],
) -> None:
    lake, handed = played(steps)
    assert {entry.name for _, entry in lake.put} == set(handed)


@given(STEPS)
def test_what_is_put_soon_is_handed_over_once(
    steps: list[tuple[str, timedelta, timedelta]],
) -> None:
    soon = [
        (what, first % timedelta(minutes=16) if what == "put" else first, second)
        for what, first, second in steps
    ]
    lake, handed = played(soon)
    assert sorted(entry.name for _, entry in lake.put) == sorted(handed)


def test_within_an_hour_only_the_last_half_hour_is_listed() -> None:
    lake, state = Lake(), dict[str, Any]()
    for _ in range(200):
        lake.write(timedelta(seconds=5), timedelta())
        state, names = lake.hand_over(state)
        assert len(names) == 1
        lake.clock += timedelta(minutes=1)
    whole = [at for at, since in enumerate(lake.asked) if since is None]
    assert whole == [0, 60, 120, 180]
    assert len(state["manifests"]["recent"]) <= 16


def test_few_are_listed_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookmark, "_MANY", 10)
    lake, state = Lake(), dict[str, Any]()
    for at in range(20):
        lake.write(timedelta(hours=at % 3), timedelta())
        state, names = lake.hand_over(state)
        assert names == ([] if at > 10 and at % 3 else [f"{at}.json"])
    assert [since for since in lake.asked[:11] if since is not None] == []


def test_a_time_of_a_sweep_that_is_none_is_refused() -> None:
    state = {
        "replication_key": "_sdc_extracted_at",
        "replication_key_value": "2025-08-03T00:00:00",
        "manifests": {"until": None, "recent": [], "swept": 7},
    }
    with pytest.raises(StateError, match="cannot be read"):
        Bookmark.from_state(state, TABLE)
