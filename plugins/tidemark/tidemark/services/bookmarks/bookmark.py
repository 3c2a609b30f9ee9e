"""Bookmarks inside Meltano's state: reading one, changing only one. Pure.

Meltano keeps ``{"completed": {"singer_state": …}, "partial": {"singer_state": …}}``; the next run
reads the partial state laid over the completed one. Singer's bookmarks are in
``singer_state.bookmarks``, one per stream.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from tidemark_core.errors import ConfigError, StateError
from tidemark_core.names import TableName
from tidemark_core.text.documents import Json

from tidemark.state.store import State
from tidemark.terminal.format import parse_time

_MAX_ID = 10**20 - 1


class Leg(StrEnum):
    """A leg of the pipeline that has a state."""

    BACKUP = "backup"
    LOAD = "load"

    @property
    def pair(self) -> str:
        """Its plugins, as Meltano names the state."""
        return {
            Leg.BACKUP: "tap-mysql-to-target-s3-parquet",
            Leg.LOAD: "tap-s3-parquet-to-target-redshift",
        }[self]

    @property
    def lease(self) -> str:
        """The lease that its writer holds."""
        return {Leg.BACKUP: "lake", Leg.LOAD: "warehouse"}[self]

    def state_id(self, environment: str) -> str:
        """The state's id in an environment of Meltano."""
        return f"{environment}:{self.pair}"


def effective(state: State | None) -> dict[str, Any]:
    """The Singer state that the next run would read."""
    if state is None:
        return {}
    singer = _laid_over(state.partial, state.completed).get("singer_state", {})
    if not isinstance(singer, dict) or not isinstance(singer.get("bookmarks", {}), dict):
        raise StateError(
            f"the state {state.state_id} has no bookmark list",
            hint=f"inspect it: meltano state get {state.state_id}",
        )
    return singer


def _laid_over(above: Json, below: Json) -> dict[str, Any]:
    """One state laid over the other, as Meltano merges them; neither is changed.

    Where only the upper one has an object, the lower one's value stays and is refused later.
    """
    found = copy.deepcopy(dict(below))
    for key, value in above.items():
        if not isinstance(value, dict):
            found[key] = copy.deepcopy(value)
        elif isinstance(under := found.get(key, {}), dict):
            found[key] = _laid_over(value, under)
    return found


def bookmarks(state: State | None) -> dict[str, Json]:
    """The bookmark of each stream.

    Raises:
        StateError: One of them is not an object.
    """
    found: dict[str, Json] = effective(state).get("bookmarks", {})
    for stream, bookmark in found.items():
        if not isinstance(bookmark, dict):
            raise StateError(
                f"the bookmark of stream {stream!r} is damaged",
                hint=f"tidemark watermark reset -t {TableName.from_stream(stream)}",
            )
    return found


def with_bookmark(state: State | None, state_id: str, stream: str, bookmark: Json | None) -> State:
    """The state with one stream's bookmark replaced, or removed; all else is as it was.

    Args:
        state: The state now; None: there is none yet.
        state_id: Its id.
        stream: The Singer stream.
        bookmark: The new bookmark; None removes it.
    """
    completed = copy.deepcopy(state.completed) if state else {}
    partial = copy.deepcopy(state.partial) if state else {}
    effective(state)  # refuses what has another shape
    singer = completed.setdefault("singer_state", {})
    marks = singer.setdefault("bookmarks", {})
    over = partial.get("singer_state", {}).get("bookmarks", {})
    over.pop(stream, None)  # it would be laid over the new one
    if bookmark is None:
        marks.pop(stream, None)
    else:
        marks[stream] = copy.deepcopy(bookmark)
    return State(state_id, partial, completed)


def timestamp_value(text: str, *, now: datetime) -> str:
    """A replication key's value from what was typed.

    Raises:
        ConfigError: It is not a time, or one in the future.
    """
    found = parse_time(text)
    if found > now:
        raise ConfigError(
            f"{text!r} is in the future (it is {now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC); "
            "the bookmark was not changed",
            hint="rows until then would be missed; choose an earlier time",
        )
    return found.replace(tzinfo=None).isoformat(timespec="microseconds")


def id_value(number: int, *, greatest: int | None) -> int:
    """A replication key's value from a number that was typed.

    Raises:
        ConfigError: It cannot be an id, or is greater than every id of the source.
    """
    if abs(number) > _MAX_ID:
        raise ConfigError(f"{number} cannot be an id")
    if greatest is not None and number > greatest:
        raise ConfigError(
            f"{number} is greater than the source's greatest id, {greatest}; the bookmark was not "
            "changed",
            hint="rows in between would be missed; choose a smaller one",
        )
    return number
