"""The bars of a run that is watched, drawn from the lines that Meltano passes on."""

from __future__ import annotations

import json

import pytest
from tidemark.config.tables.selection import Options
from tidemark.services.sync.progress import readable, watcher
from tidemark_core.runs.progress import Progress

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
        self.told: list[str] = []

    def tell(self, detail: str) -> None:
        self.told.append(detail)

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


def test_what_dbt_begins_is_told() -> None:
    kept = Kept()
    read = watcher(kept)
    read("09:43:08  1 of 1 START hook: tidemark.on-run-start.0 ................. [RUN]")
    read("09:43:09  2 of 7 START sql merged_loads model public.partner_info .... [RUN]")
    read("09:43:12  2 of 7 OK created sql merged_loads model public.partner_info [SUCCESS in 2s]")
    assert kept.told == ["", "2 of 7: public.partner_info"]


def test_debug_shows_what_our_parts_say_and_whatever_is_wrong() -> None:
    ours = {
        "pid": 7, "thread_name": "MainThread", "name": "tap-mysql", "event": "a look", "rows": 5,
        "level": "debug", "timestamp": "2026-11-26T09:41:59.910440Z", "_logger": "<x>",
    }  # fmt: skip
    assert readable(json.dumps(ours)) == "09:41:59 DEBUG   tap-mysql: a look rows=5"
    theirs = {"event": "Setting '.streams[5]'", "level": "debug", "timestamp": "", "_name": "x"}
    assert readable(json.dumps(theirs)) is None
    assert "Setting" in (readable(json.dumps(theirs | {"level": "error"})) or "")
    assert readable("09:43:05  Found 15 models\n") == "09:43:05  Found 15 models"
    assert "\x1b" not in (readable(json.dumps(ours | {"event": "\x1b[31m"})) or "")
