"""The Singer state that a run is given: its shape; what is in it is checked where it is used."""

from __future__ import annotations

import json
from typing import IO, Any

from tidemark_core.errors import StateError


def read_state(file: IO[str]) -> dict[str, Any]:
    """Reads a state file.

    Raises:
        StateError: It is damaged. It is never taken for an empty one: that would read all tables
            again, unasked.
    """
    try:
        state = json.load(file)
    except (ValueError, RecursionError) as error:
        raise _damaged("it is no JSON") from error
    if not isinstance(state, dict):
        raise _damaged("it is no object")
    return state


def checked(state: Any) -> dict[str, Any]:
    """A copy of a state.

    Raises:
        StateError: It is not Singer state.
    """
    bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
    if not isinstance(bookmarks, dict):
        raise _damaged("it has no bookmarks")
    copy: dict[str, Any] = json.loads(json.dumps(state))
    return copy


def _damaged(what: str) -> StateError:
    return StateError(
        f"the state is not Singer state: {what}",
        hint="tidemark watermark list, and set or reset what is damaged",
    )
