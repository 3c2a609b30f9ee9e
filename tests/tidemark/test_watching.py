"""The bars of a run that is watched, drawn from the lines that Meltano passes on."""

from __future__ import annotations

import json

import pytest
from tidemark.services.selection import Options
from tidemark.services.watching import watcher
from tidemark_core.progress import Progress

#: As Meltano 4.4 writes it: with fields of its own, and without those that are null.
LINE = {
    "stdio": "stderr", "string_id": "tap-mysql", "table": "s.t", "rows": 8192,
    "rows_per_second": 6387, "bytes": 0, "seconds": 1.3, "start_time": "", "end_time": "9",
    "ended": False,
    "event": "Table progress", "level": "info",
}  # fmt: skip


class Kept:
    def __init__(self) -> None:
        self.shown: list[Progress] = []

    def show(self, progress: Progress) -> None:
        self.shown.append(progress)

    def close(self) -> None: ...


def test_a_line_of_progress_is_shown() -> None:
    kept = Kept()
    read = watcher(kept)
    read(json.dumps(LINE))
    read(json.dumps(LINE | {"rows": 9000, "rows_expected": 9000, "start_time": "1", "ended": True}))
    assert kept.shown == [
        Progress("s.t", 8192, None, 0, 1.3, (None, "9")),
        Progress("s.t", 9000, 9000, 0, 1.3, ("1", "9"), ended=True),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Table progress",
        '{"event": "Table progress"}',
        json.dumps(LINE | {"rows": "many"}),
        json.dumps(LINE | {"event": "Table processing started"}),
        '["Table progress"]',
    ],
)
def test_another_line_is_passed_over(line: str) -> None:
    kept = Kept()
    watcher(kept)(line)
    assert kept.shown == []


def test_who_looks_sees_more_often_how_far_it_is() -> None:
    assert Options(watched=True).variables() == {"LOG_PROGRESS_SECONDS": "1"}
    assert Options().variables() == {}
