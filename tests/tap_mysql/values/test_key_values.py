"""Values of keys come back from SQL and from state as they were."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_mysql.values import key_values
from tidemark_core.types.column_type import ColumnType

TIMES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))
VALUES = st.one_of(st.integers(), TIMES, st.dates(), st.text(), st.binary(), st.decimals(
    allow_nan=False, allow_infinity=False, places=3))  # fmt: skip


@pytest.mark.security(15)
@given(VALUES)
def test_no_value_can_leave_its_literal(value: Any) -> None:
    text = key_values.literal(value)
    inside = text.removeprefix("_utf8mb4 ").removeprefix("X").strip("'")
    assert not set(inside) & set("'\\\"`;#")
    assert "--" not in inside


def test_a_timestamp_literal_has_no_zone_and_all_its_digits() -> None:
    assert key_values.literal(datetime(1, 2, 3, 4, 5, 6, 7)) == "'0001-02-03 04:05:06.000007'"


@given(st.lists(VALUES, min_size=1).map(tuple))
def test_keys_survive_the_bookmark(key: tuple[Any, ...]) -> None:
    assert key_values.unpack(key_values.pack(key)) == key


@given(TIMES)
def test_timestamps_survive_the_state(moment: datetime) -> None:
    kind = ColumnType("timestamp", precision=6)
    assert key_values.parse_state(kind, key_values.to_state(moment)) == moment


@given(st.integers(-(2**63), 2**64 - 1))
def test_numbers_survive_the_state(number: int) -> None:
    assert key_values.parse_state(ColumnType("int64"), key_values.to_state(number)) == number
