"""How far a table is: what is counted, and where it is shown."""

from __future__ import annotations

import json
import logging
import os
import pty
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark_core.logs import Event, fields_of
from tidemark_core.runs.progress import Lines, Meter, Progress, display
from tidemark_core.runs.progress_bars import fitted, words_of


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [fields_of(r) for r in caplog.records if r.getMessage() == Event.TABLE_PROGRESS.value]


def test_rows_per_second_and_the_time_left_follow_what_has_come() -> None:
    progress = Progress("s.t", rows=250, total=1000, bytes=7, seconds=5.0, window=("a", "b"))
    assert progress.rows_per_second == 50
    assert progress.seconds_left == 15
    assert words_of(progress, 0)[0] == "250 of about 1,000 rows, 50 rows/s, 0:15 left"
    assert Progress.from_fields(json.loads(json.dumps(progress.fields()))) == progress


def test_what_nobody_knows_is_not_guessed() -> None:
    unknown = Progress("s.t", rows=250, total=None, bytes=0, seconds=5.0)
    assert unknown.seconds_left is None
    assert words_of(unknown, 0)[0] == "250 rows, 50 rows/s"
    assert Progress("s.t", rows=0, total=10, bytes=0, seconds=0.0).seconds_left is None
    # The estimate was too low.
    told = words_of(Progress("s.t", 20, 10, 0, 1.0), 33)[0]
    assert told == "20 of about 20 rows, 20 rows/s, finishing 0:33"


def test_a_line_comes_now_and_then_and_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    meter = Meter("s.t", Lines(10.0), clock)
    meter.begin(500, ("1", "9"))
    meter.add(rows=100)
    assert lines(caplog) == []
    clock.now += 10
    meter.add(rows=100, bytes=5)
    clock.now += 5
    meter.add(rows=100)
    (line,) = lines(caplog)
    assert line == {
        "table": "s.t", "rows": 200, "rows_expected": 500, "rows_per_second": 20,
        "seconds_left": 15, "bytes": 5, "seconds": 10.0, "start_time": "1", "end_time": "9",
        "ended": False, "phase": "",
    }  # fmt: skip
    meter.end()
    last = lines(caplog)[-1]
    assert (last["rows"], last["rows_expected"], last["ended"]) == (300, 300, True)


def test_a_table_that_is_soon_done_has_no_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    meter = Meter("s.t", Lines(10.0), clock)
    meter.end()  # before it began: nothing to read
    meter.begin(None, (None, None))
    meter.add(rows=1)
    meter.end()
    assert lines(caplog) == []


def test_a_phase_is_told_to_who_looks_and_lasts_until_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    for every in (1.0, 10.0):
        meter = Meter("s.t", Lines(every), clock)
        meter.begin(500, (None, None))
        meter.phase("COPY")
        meter.phase("insert")
        meter.end()
    assert [line["phase"] for line in lines(caplog)] == ["COPY", "insert", "insert"]
    copying = Progress("s.t", 500, 500, 0, 1.0, phase="COPY")
    assert words_of(copying, 75) == ("COPY 1:15",)
    assert Progress.from_fields(copying.fields()) == copying


NAMES = st.text("abcdefgh_", min_size=1, max_size=60).map(lambda name: f"settlement.{name}")
COUNTS = st.integers(0, 10**11)


@given(
    st.dictionaries(NAMES, st.tuples(COUNTS, st.none() | COUNTS, st.sampled_from(["", "COPY"]))),
    st.integers(80, 200),
)
def test_names_and_words_leave_room_for_the_bar(
    tables: dict[str, tuple[int, int | None, str]], width: int
) -> None:
    some = [
        (Progress(name, rows, total, 0, 7.5, phase=phase), 12.0)
        for name, (rows, total, phase) in tables.items()
    ]
    told = fitted(some, width)
    names, words = [name for name, _ in told], [text for _, text in told]
    widest = max(map(len, names), default=0) + max(map(len, words), default=0)
    assert widest + 20 + 4 <= width
    assert all(words)


def test_at_eighty_columns_the_bar_stays_and_the_rate_goes_first() -> None:
    name = "settlement.settlement_normal_delivery_detail"
    progress = Progress(name, 120_790, 952_310, 0, 4.1)
    narrow, wide = fitted([(progress, 0)], 80)[0], fitted([(progress, 0)], 140)[0]
    assert narrow == ("settlement_normal_delivery_detail", "12%, 0:28 left")
    assert wide[1] == "120,790 of about 952,310 rows, 29,461 rows/s, 0:28 left"
    # Two databases may have tables of the same name.
    both = [Progress(name, 1, 2, 0, 1.0) for name in ("a.t", "b.t")]
    assert [name for name, _ in fitted([(one, 0) for one in both], 80)] == ["a.t", "b.t"]


@pytest.mark.parametrize(("text", "every"), [("2.5", 2.5), ("", 10.0), ("often", 10.0)])
def test_the_lines_distance_is_set_by_a_variable(text: str, every: float) -> None:
    shown = display({"LOG_PROGRESS_SECONDS": text})
    assert isinstance(shown, Lines)
    assert shown.every == every


def test_on_a_terminal_it_is_a_bar_and_lines_of_the_log_stay_whole() -> None:
    program = """
import logging, time
from tidemark_core.logs import configure
from tidemark_core.runs.progress import Meter, display
configure("INFO", "r")
shown = display()
meter = Meter("s.big", shown)
meter.begin(1000, (None, None))
for _ in range(5):
    meter.add(rows=100)
    time.sleep(0.15)
logging.getLogger("x").info("a line between")
time.sleep(0.15)
meter.end()
shown.close()
logging.getLogger("x").info("a line after")
"""
    ours, theirs = pty.openpty()
    env = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen([sys.executable, "-c", program], stderr=theirs, env=env) as child:
        os.close(theirs)
        text = ""
        while True:
            try:
                text += os.read(ours, 65536).decode()
            except OSError:  # the terminal's other end is closed
                break
    os.close(ours)
    assert child.returncode == 0
    assert "s.big" in text
    assert "500 of about 1,000 rows" in text
    assert "rows/s" in text
    assert "left" in text
    for word in ("a line between", "a line after"):
        (line,) = [x for x in text.replace("\r", "\n").splitlines() if word in x]
        assert "s.big" not in line
    assert text.rstrip().splitlines()[-1].rstrip().endswith("a line after")
