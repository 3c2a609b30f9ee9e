"""How far a table is: what is counted, and where it is shown."""

from __future__ import annotations

import json
import logging
import os
import pty
import subprocess
import sys

import pytest
from tidemark_core.logs import Event, fields_of
from tidemark_core.progress import Lines, Meter, Progress, display, words


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
    assert words(progress) == "250 of about 1,000 rows, 50 rows/s, 0:15 left"
    assert Progress.from_fields(json.loads(json.dumps(progress.fields()))) == progress


def test_what_nobody_knows_is_not_guessed() -> None:
    unknown = Progress("s.t", rows=250, total=None, bytes=0, seconds=5.0)
    assert unknown.seconds_left is None
    assert words(unknown) == "250 rows, 50 rows/s"
    assert Progress("s.t", rows=0, total=10, bytes=0, seconds=0.0).seconds_left is None
    # The estimate was too low.
    assert words(Progress("s.t", 20, 10, 0, 1.0)) == "20 of about 20 rows, 20 rows/s, 0:00 left"


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
        "ended": False,
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


@pytest.mark.parametrize(("text", "every"), [("2.5", 2.5), ("", 10.0), ("often", 10.0)])
def test_the_lines_distance_is_set_by_a_variable(text: str, every: float) -> None:
    shown = display({"LOG_PROGRESS_SECONDS": text})
    assert isinstance(shown, Lines)
    assert shown.every == every


def test_on_a_terminal_it_is_a_bar_and_lines_of_the_log_stay_whole() -> None:
    program = """
import logging, time
from tidemark_core.logs import configure
from tidemark_core.progress import Meter, display
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
