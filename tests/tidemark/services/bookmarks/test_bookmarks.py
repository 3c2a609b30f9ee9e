"""A change of one bookmark changes one bookmark, whatever the state looks like."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meltano.core.utils import merge
from tap_mysql.incremental.bookmark import Identity
from tap_mysql.values.bookmark_facts import is_manual, set_by_hand
from tap_s3_parquet.bookmark import Bookmark
from tidemark.services.bookmarks import load_bookmark
from tidemark.services.bookmarks.bookmark import (
    Leg,
    bookmarks,
    effective,
    id_value,
    timestamp_value,
    with_bookmark,
)
from tidemark.state.store import State
from tidemark_core.errors import ConfigError, StateError
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType

NOW = datetime(2026, 1, 1, tzinfo=UTC)
T = TableName("settlement", "partner_info")
streams = st.sampled_from(["a-t", "a-t.b", "b-t", "bookmarks", T.stream])
values = st.integers() | st.text(max_size=5) | st.none()
marks = st.dictionaries(st.sampled_from(["replication_key_value", "tidemark", "x"]), values)
singer = st.fixed_dictionaries(
    {}, optional={"bookmarks": st.dictionaries(streams, marks), "currently_syncing": values}
)
wholes = st.fixed_dictionaries({}, optional={"singer_state": singer, "other": values})


@given(wholes, wholes)
def test_the_state_that_the_next_run_reads_is_the_one_that_meltano_merges(
    completed: dict[str, Any], partial: dict[str, Any]
) -> None:
    merged = merge(copy.deepcopy(partial), copy.deepcopy(completed))  # type: ignore[no-untyped-call]
    assert effective(State("x", partial, completed)) == merged.get("singer_state", {})


@given(wholes, wholes, streams, st.none() | marks)
def test_only_the_bookmark_that_was_asked_for_changes(
    completed: dict[str, Any], partial: dict[str, Any], stream: str, new: dict[str, Any] | None
) -> None:
    state = State("x", partial, completed)
    untouched = copy.deepcopy(state.to_dict())
    before = copy.deepcopy(effective(state))
    changed = with_bookmark(state, "x", stream, new)
    after = effective(changed)
    assert state.to_dict() == untouched
    assert bookmarks(changed).get(stream) == new
    for singer_state in (before, after):
        singer_state.get("bookmarks", {}).pop(stream, None)
        singer_state.setdefault("bookmarks", {})
    assert after == before
    assert changed.completed  # a state without anything would be taken for a damaged one


def test_a_first_bookmark_makes_a_state() -> None:
    made = with_bookmark(None, "dev:x", T.stream, {"replication_key_value": 1})
    assert made.to_dict() == {
        "completed": {"singer_state": {"bookmarks": {T.stream: {"replication_key_value": 1}}}},
        "partial": {},
    }


@pytest.mark.parametrize("damaged", [{"singer_state": 1}, {"singer_state": {"bookmarks": []}}])
def test_a_state_of_another_shape_is_refused_not_overwritten(damaged: dict[str, Any]) -> None:
    with pytest.raises(StateError):
        with_bookmark(State("x", {}, damaged), "x", T.stream, {})


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    "text", ["2026-01-01 00:00:01", "9999-12-31", "garbage", "' OR 1=1 --", "2025-02-30", ""]
)
def test_garbage_and_the_future_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        timestamp_value(text, now=NOW)


@given(st.datetimes(max_value=datetime(2026, 1, 1)))
def test_the_tap_reads_the_time_that_was_set(moment: datetime) -> None:
    value = timestamp_value(moment.isoformat(" "), now=NOW)
    bookmark = set_by_hand(T, "update_at", value, None, now=NOW)
    kind = ColumnType("timestamp", precision=0)
    read = Identity(T, "update_at", kind).read(bookmark)
    assert read.value == moment
    assert read.edge is None
    assert is_manual(bookmark)


def test_the_tap_reads_the_id_that_was_set_and_the_types_are_held_against_each_other() -> None:
    before = Identity(T, "ID", ColumnType("int64"))
    mark = set_by_hand(
        T,
        "ID",
        id_value(7, greatest=9),
        before.write(before.read({"replication_key": "ID", "replication_key_value": 3})),
        now=NOW,
    )
    assert before.read(mark).value == 7
    with pytest.raises(StateError, match="type"):
        Identity(T, "ID", ColumnType("int32")).read(mark)
    with pytest.raises(StateError, match="belongs to table"):
        Identity(TableName("s", "t"), "ID", ColumnType("int64")).read(mark)


@pytest.mark.fault(24)
def test_an_id_beyond_the_source_is_refused() -> None:
    with pytest.raises(ConfigError, match="greater than"):
        id_value(10, greatest=9)
    with pytest.raises(ConfigError):
        id_value(10**30, greatest=None)


@given(st.datetimes())
def test_the_load_looks_at_files_from_that_time_on(moment: datetime) -> None:
    bookmark = Bookmark.from_state(load_bookmark.since(moment.replace(tzinfo=UTC)), T)
    assert bookmark.is_only_a_time
    assert bookmark.newest == moment.replace(tzinfo=UTC)


def test_states_are_named_as_meltano_names_them() -> None:
    assert Leg.BACKUP.state_id("prod") == "prod:tap-mysql-to-target-s3-parquet"
    assert Leg.LOAD.state_id("dev") == "dev:tap-s3-parquet-to-target-redshift"
