"""Moments in documents."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark_core.text.moments import from_second, to_second

ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
MOMENTS = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=ZONES)


@given(MOMENTS)
def test_a_moment_comes_back_to_the_second(moment: datetime) -> None:
    text = to_second(moment)
    assert from_second(text) == moment.replace(microsecond=0)
    assert text == to_second(from_second(text))


@pytest.mark.parametrize("text", ["", "2025-08-03", "2025-08-03T04:05:06", "2025-08-03T04:05:60Z"])
def test_what_is_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not match|second must be"):
        from_second(text)
