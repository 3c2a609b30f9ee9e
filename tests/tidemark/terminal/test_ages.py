from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark.terminal.format import describe_age, parse_age, parse_time
from tidemark_core.errors import ConfigError


def test_ages_as_operators_type_them() -> None:
    assert parse_age("7d") == timedelta(days=7)
    assert parse_age(" 24H ") == timedelta(hours=24)
    assert parse_age("30m") == timedelta(minutes=30)


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "0d", "1.5h", "7 d x", "1d2h"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not an age"):
        parse_age(text)


@given(st.datetimes())
def test_times_come_back(moment: datetime) -> None:
    assert parse_time(moment.isoformat(sep=" ")) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2025-13-01", "2025-02-30 00:00:00", "2025-01-01 10:00:00+02:00", "1"]
)
def test_what_is_no_time_in_utc_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not a time"):
        parse_time(text)


def test_an_age_is_told_in_its_greatest_unit() -> None:
    assert describe_age(timedelta(days=3, hours=5)) == "3 days"
    assert describe_age(timedelta(hours=5)) == "5 hours"
    assert describe_age(timedelta(seconds=5)) == "5 s"
