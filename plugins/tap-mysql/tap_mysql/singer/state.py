"""Checks the shape of a run's Singer state; its contents are checked where they are used."""

from __future__ import annotations

import json
from typing import Any

from tidemark_singer.tap import damaged_state


def checked(state: Any) -> dict[str, Any]:
    """A copy of a state.

    Raises:
        StateError: It is not Singer state.
    """
    bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
    if not isinstance(bookmarks, dict):
        raise damaged_state("it has no bookmarks")
    copy: dict[str, Any] = json.loads(json.dumps(state))
    return copy
