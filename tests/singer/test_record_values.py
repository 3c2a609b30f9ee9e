"""Values of records: what fits comes back exactly, what does not is refused."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.singerlib.json import deserialize_json
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.conversions import Reason
from tidemark_singer.records.values import (
    UnfitValueError,
    to_array,
)

texts = st.text(st.characters(exclude_categories=["Cs"]))


def convert(kind: str, *values: Any, is_text: bool = False) -> list[Any]:
    counts: Counter[str] = Counter()
    array = to_array(values, ColumnType.parse(kind), is_text=is_text, counts=counts)
    return array.to_pylist()


def through_json(value: Any) -> Any:
    """A value as it arrives in a RECORD message."""
    return deserialize_json(json.dumps({"v": value}))["v"]


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_integers(values: list[int | None]) -> None:
    assert convert("int64", *map(through_json, values)) == values


@pytest.mark.fault(93)
@given(st.lists(st.none() | texts | st.sampled_from(["", "NULL", "\\N", "\0", " a ", "\r\n\t"])))
def test_text(values: list[str | None]) -> None:
    assert convert("string", *map(through_json, values)) == values


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)))
def test_floats(values: list[float | None]) -> None:
    assert convert("float64", *map(through_json, values)) == values


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9
    )
)
def test_decimals_as_text_and_as_numbers(value: Decimal) -> None:
    as_number = deserialize_json(f'{{"v": {value:f}}}')["v"]
    assert convert("decimal(18,4)", str(value), as_number) == [value, value]


@given(st.datetimes())
def test_times_in_utc_with_microseconds(value: datetime) -> None:
    assert convert("timestamp(6)", value.isoformat(), value.isoformat() + "Z") == [value, value]


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.integers(-23, 23))
def test_times_of_another_zone_become_utc(value: datetime, hours: int) -> None:
    there = value.replace(tzinfo=timezone(timedelta(hours=hours)))
    expected = there.astimezone(UTC).replace(tzinfo=None)
    assert convert("timestamp(6)", there.isoformat()) == [expected]


@given(st.dates())
def test_dates_also_as_midnight(value: date) -> None:
    assert convert("date", value.isoformat(), f"{value.isoformat()}T00:00:00Z") == [value, value]


@given(st.binary())
def test_bytes_come_as_base64(value: bytes) -> None:
    assert convert("binary", base64.b64encode(value).decode()) == [value]


@pytest.mark.fault(86)
def test_json_keeps_its_digits() -> None:
    told = deserialize_json('{"v": {"big": 12345678901234567890123, "d": 1.10, "t": "é😀"}}')["v"]
    assert convert("json", told) == ['{"big":12345678901234567890123,"d":1.10,"t":"é😀"}']
    assert convert("json", '{"a": 1.10}', is_text=True) == ['{"a": 1.10}']


def test_anything_in_a_text_column_is_written_as_json() -> None:
    assert convert("string", 5, True, ["a"], Decimal("1.50")) == ["5", "true", '["a"]', "1.50"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int8", 128),
        ("int16", -32769),
        ("int64", 2**63),
        ("int64", True),
        ("int64", "1"),
        ("int64", Decimal("1.5")),
        ("decimal(10,2)", "1.234"),
        ("decimal(4,2)", 1000),
        ("decimal(10,2)", "NaN"),
        ("decimal(10,2)", "abc"),
        ("decimal(10,2)", False),
        ("float64", "1.0"),
        ("boolean", 1),
        ("boolean", "true"),
        ("date", "2025-08-03T04:00:00"),
        ("date", "2025-02-30"),
        ("date", 20250803),
        ("timestamp(6)", "yesterday"),
        ("timestamp(6)", "0001-01-01T00:00:00+05:00"),
        ("timestamp(6)", 1722650000),
        ("binary", "not base64!"),
        ("binary", [1]),
    ],
)
def test_what_does_not_fit_is_refused_by_row_and_without_its_value(kind: str, value: Any) -> None:
    good = convert(kind, None)
    with pytest.raises(UnfitValueError) as caught:
        convert(kind, None, None, value)
    assert good == [None]
    assert caught.value.row == 2
    assert kind in str(caught.value)
    if isinstance(value, str):
        assert value not in str(caught.value)


def test_whole_numbers_with_a_point_are_integers() -> None:
    assert convert("int32", Decimal("3.0"), 3.0) == [3, 3]


def test_zeros_beyond_the_scale_say_nothing() -> None:
    assert convert("decimal(10,2)", "1.5000", Decimal("1E+3")) == [Decimal("1.50"), Decimal(1000)]


@pytest.mark.fault(90)
def test_text_that_is_no_unicode_is_replaced_and_counted() -> None:
    counts: Counter[str] = Counter()
    broken = deserialize_json('{"v": "a\\ud800b"}')["v"]
    kind = ColumnType("string")
    assert to_array([broken, "é"], kind, is_text=True, counts=counts).to_pylist() == [
        "a\ufffdb",
        "é",
    ]
    assert counts == {Reason.INVALID_TEXT: 1}


def test_nanoseconds_are_cut_and_counted() -> None:
    counts: Counter[str] = Counter()
    told = ["2025-01-01T00:00:00.123456789Z", "2025-01-01T00:00:00.123456000+00:00"]
    kind = ColumnType.parse("timestamp(6)")
    array = to_array(told, kind, is_text=False, counts=counts)
    assert array.to_pylist() == [datetime(2025, 1, 1, 0, 0, 0, 123456)] * 2
    assert counts == {Reason.SUB_MICROSECOND: 1}
