"""Where a window begins and ends, and how far the bookmark goes with it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_mysql.incremental import window
from tap_mysql.incremental.bookmark import Bookmark
from tap_mysql.values.key_values import Lookback

TIMES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))
NOW = datetime(2024, 5, 1)


@pytest.mark.fault(11)
@given(TIMES, st.integers(0, 10**6))
def test_the_bookmark_never_passes_the_sources_clock(greatest: datetime, seconds: int) -> None:
    decided = window.decide(Bookmark(), greatest, NOW, Lookback(seconds=seconds))
    reached = window.advanced(None, greatest, decided.cap)
    assert isinstance(reached, datetime)
    assert reached <= NOW
    assert decided.upper == greatest


@given(st.integers(), st.integers(), st.integers())
def test_the_bookmark_never_goes_back(old: int, read: int, cap: int) -> None:
    assert window.advanced(old, read, cap) >= old  # type: ignore[operator]


def test_a_window_begins_before_the_bookmark() -> None:
    bookmark = Bookmark(datetime(2024, 1, 1))
    decided = window.decide(bookmark, datetime(2024, 2, 1), NOW, Lookback(seconds=300))
    assert decided.lower == datetime(2024, 1, 1) - timedelta(seconds=300)
    assert window.decide(Bookmark(5), 9, NOW, Lookback(ids=3)).lower == 2
    assert window.decide(Bookmark(datetime.min), NOW, NOW, Lookback(9)).lower == datetime.min


@pytest.mark.fault(13)
@given(TIMES, st.integers(0, 10**6))
def test_the_bookmark_never_passes_what_a_replica_has_applied(
    greatest: datetime, seconds: int
) -> None:
    lag = timedelta(seconds=seconds)
    decided = window.decide(Bookmark(), greatest, NOW, Lookback(), lag)
    assert decided.cap == min(greatest, NOW - lag)
    assert decided.has_future == (greatest > NOW)
