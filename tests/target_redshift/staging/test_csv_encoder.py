"""CSV that COPY reads back as it was."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_redshift.staging.csv_encoder import MarkerCollisionError, encode, other_marker

MARKER = "@NULL@"
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


@given(st.lists(st.one_of(st.none(), texts), min_size=1, max_size=20))
def test_texts_survive_and_null_is_the_only_unquoted_marker(values: list[str | None]) -> None:
    numbers = pa.array(range(len(values)), pa.int64())
    data = encode([numbers, pa.array(values, pa.string())], MARKER)
    assert [row[1] for row in read(data)] == [MARKER if v is None else v for v in values]
    for value, line in zip(values, data.decode().split("\n"), strict=False):
        if value is None and "\n" not in "".join(v or "" for v in values):
            assert line.endswith(f",{MARKER}")


def test_a_value_that_equals_the_marker_is_noticed() -> None:
    array = pa.array(["a", MARKER, None])
    with pytest.raises(MarkerCollisionError):
        encode([array], MARKER)
    with pytest.raises(MarkerCollisionError):
        encode([array.slice(1)], MARKER)
    assert encode([array.slice(0, 1)], MARKER) == b'"a"\n'
    assert encode([array], other_marker())
    assert other_marker() != other_marker()


@given(st.lists(st.one_of(st.none(), st.binary(max_size=9)), max_size=9), st.integers(0, 3))
def test_bytes_become_hexadecimal_digits(values: list[bytes | None], start: int) -> None:
    array = pa.array(values, pa.binary()).slice(start)
    rows = read(encode([array], MARKER))
    assert [row[0] for row in rows] == [
        MARKER if value is None else value.hex() for value in values[start:]
    ]


@given(st.integers(-(10**12), 10**12), st.integers(0, 37))
def test_decimals_are_written_without_an_exponent(digits: int, scale: int) -> None:
    value = Decimal(digits).scaleb(-scale)
    data = encode([pa.array([value, None], pa.decimal128(38, scale))], MARKER).decode()
    assert "E" not in data
    assert Decimal(data.split("\n")[0].strip('"')) == value
