"""The source's clock: when a table is read, when the clock goes back, when summer time ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from readhooks import after_files
from tap_mysql.incremental.planner import Look
from tap_mysql.source.session.connection import Session
from tap_mysql.values.key_values import Lookback
from tap_mysql.values.repeated_hour import step_back
from tidemark_core.errors import StateError

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Result, Source

COLUMNS = "id INT PRIMARY KEY, v INT, update_at DATETIME, KEY (update_at)"
HOUR = timedelta(hours=1)


def extracted(result: Result, table: str) -> list[str]:
    return [file.facts["extracted_at"] for file in result.files(table)]


@pytest.mark.fault(121)
def test_a_run_that_was_held_up_before_its_table_has_the_later_time(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make("overlap", "id INT PRIMARY KEY, v INT", "(1, 1)")
    inner: list[Result] = []
    look = Look.first_load

    def held_up(self: Look, nulls: int) -> Any:
        monkeypatch.setattr(Look, "first_load", look)
        inner.append(source.read("overlap", "id"))  # the other run reads version 1
        source.sql("UPDATE overlap SET v = 2")
        source.sql("DO SLEEP(1.1)")  # times are to the second
        return look(self, nulls)

    monkeypatch.setattr(Look, "first_load", held_up)
    held = source.read("overlap", "id")
    assert [row["v"] for row in held.rows("overlap")] == [2]
    assert [row["v"] for row in inner[0].rows("overlap")] == [1]
    assert extracted(held, "overlap") > extracted(inner[0], "overlap")


def test_all_files_of_an_extraction_have_one_time(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make("timed", "id INT PRIMARY KEY, v INT", "(1, 1), (2, 2)")
    after_files(1, lambda: source.sql("DO SLEEP(1.1)"), monkeypatch)
    assert len(set(extracted(source.read("timed", backup_batch_size=1), "timed"))) == 1


@pytest.fixture
def slow_clock(source: Source, monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """By how much the source's clock is behind where it was."""
    behind = [timedelta()]
    now = Session.now
    monkeypatch.setattr(Session, "now", lambda self: now(self) - behind[0])
    return behind


def insert(source: Source, number: int, moment: datetime) -> None:
    source.sql(f"INSERT INTO clock VALUES ({number}, 1, '{moment}')")


@pytest.mark.fault(116)
def test_rows_that_are_written_after_the_clock_went_back_are_read(
    source: Source, slow_clock: list[timedelta], caplog: pytest.LogCaptureFixture
) -> None:
    source.make("clock", COLUMNS)
    ((now,),) = source.sql("SELECT UTC_TIMESTAMP()")
    insert(source, 1, now)
    first = source.read("clock", "update_at")
    slow_clock[0] = timedelta(minutes=20)  # it went back by 40, and 20 have passed since
    insert(source, 2, now - timedelta(minutes=38))
    insert(source, 3, now - timedelta(minutes=20))
    second = source.read("clock", "update_at", first.state)
    assert {2, 3} <= set(second.ids("clock"))
    assert "the clock was set back" in caplog.text
    assert (
        second.bookmark("clock")["replication_key_value"]
        < first.bookmark("clock")["replication_key_value"]
    )
    caplog.clear()
    insert(source, 4, now - timedelta(minutes=19))
    slow_clock[0] = timedelta(minutes=5)
    third = source.read("clock", "update_at", second.state)
    assert 4 in third.ids("clock")
    assert "the clock was set back" not in caplog.text
    slow_clock[0] = 3 * HOUR
    result = source.run(source.catalog("clock", key="update_at"), third.state)
    assert isinstance(result.error, StateError)


@pytest.mark.fault(117)
@pytest.mark.parametrize("zone", ["west", "east"])
def test_the_hour_that_comes_twice_is_read_twice(source: Source, zone: str) -> None:
    """New York at 06:00 UTC, Berlin at 01:00 UTC: local clocks show an hour a second time."""
    if zone == "west":
        before, again = datetime(2024, 11, 3, 1, 58), datetime(2024, 11, 3, 1, 3)
    else:
        before, again = datetime(2024, 10, 27, 2, 58), datetime(2024, 10, 27, 2, 3)
    source.make("local_time", COLUMNS, f"(1, 1, '{before}')")
    first = source.read("local_time", "update_at")
    assert source.read("local_time", "update_at", first.state).messages == []
    source.sql(f"INSERT INTO local_time VALUES (2, 1, '{again}'), (3, 1, '{again - HOUR / 30}')")
    second = source.read("local_time", "update_at", first.state)
    assert {2, 3} <= set(second.ids("local_time"))
    source.sql(f"INSERT INTO local_time VALUES (4, 1, '{again + HOUR / 2}')")
    third = source.read("local_time", "update_at", second.state)
    assert 4 in third.ids("local_time")
    assert source.read("local_time", "update_at", third.state).messages == []


@pytest.mark.fault(117)
@pytest.mark.parametrize(
    ("moment", "step"),
    [
        (datetime(2024, 11, 3, 1, 0), HOUR),  # New York
        (datetime(2024, 11, 3, 2, 0), HOUR),  # 01:59:59.6, rounded
        (datetime(2024, 11, 3, 2, 1), timedelta()),
        (datetime(2024, 10, 27, 2, 30), 2 * HOUR),  # Berlin, and Troll in the Antarctic
        (datetime(2025, 4, 6, 2, 30), HOUR),  # Sydney
        (datetime(2024, 3, 31, 2, 30), timedelta()),  # does not exist in Berlin
        (datetime(2024, 7, 1, 12, 0), timedelta()),
        (datetime.min, timedelta()),
        (datetime.max, timedelta()),
    ],
)
def test_a_lookback_is_longer_in_an_hour_that_comes_twice(
    moment: datetime, step: timedelta
) -> None:
    assert step_back(moment) == step
    before = Lookback(seconds=1, local=True).before(moment)
    assert before == max(
        datetime.min, moment - step - timedelta(seconds=1 if step or moment > datetime.min else 0)
    )
    assert Lookback(local=False).before(moment) == moment
