"""Draws the progress of a run that is watched, from the lines that it writes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

from tidemark_core.logs import Event
from tidemark_core.progress import Display, Progress


def watcher(display: Display) -> Callable[[str], None]:
    """Makes what takes a run's log (JSON lines) and shows how far its tables are."""

    def read(line: str) -> None:
        if Event.TABLE_PROGRESS.value not in line:
            return
        # A line of somebody else's that has the words, but not the fields.
        with contextlib.suppress(ValueError, KeyError, TypeError):
            display.show(Progress.from_fields(json.loads(line)))

    return read
