"""Values in binary: generated, read by the functions of redshift_connector."""

from __future__ import annotations

import struct
from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redshift_connector.utils.type_utils import array_recv_binary, numeric_in_binary
from redshift_stand_in.errors import StatementError
from redshift_stand_in.wire import binary
from redshift_stand_in.wire.columns import COMPUTED_SCALE, Column, columns_of, row_description
from redshift_stand_in.wire.version import Version, agreed


def of_postgres(value: Decimal) -> bytes:
    """A NUMERIC as PostgreSQL sends it, written from its manual's description of the type."""
    sign, _, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    whole, _, fraction = f"{abs(value):f}".partition(".")
    whole = whole.zfill(-(-len(whole) // 4) * 4)
    fraction = fraction.ljust(-(-len(fraction) // 4) * 4, "0")
    groups = [int((whole + fraction)[i : i + 4]) for i in range(0, len(whole + fraction), 4)]
    weight = len(whole) // 4 - 1
    while groups and groups[0] == 0:
        groups, weight = groups[1:], weight - 1
    while groups and groups[-1] == 0:
        groups = groups[:-1]
    head = (
        len(groups),
        weight if groups else 0,
        0x4000 if sign and groups else 0,
        -min(exponent, 0),
    )
    return struct.pack("!hhHh", *head) + struct.pack(f"!{len(groups)}h", *groups)


@given(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(0, 37), st.integers(1, 38))
def test_a_declared_numeric_comes_back_exactly(unscaled: int, scale: int, precision: int) -> None:
    unscaled %= 10**precision
    with localcontext(prec=80):
        value = Decimal(unscaled).scaleb(-scale)
        sent = binary.numeric(of_postgres(value), precision, scale)
        assert len(sent) == (8 if precision <= 18 else 16)
        assert str(numeric_in_binary(sent, 0, len(sent), scale)) == str(value)


@given(st.decimals(-(10**20), 10**20, allow_nan=False, places=25))
def test_digits_beyond_the_scale_are_rounded(value: Decimal) -> None:
    with localcontext(prec=80):
        sent = binary.numeric(of_postgres(value), 38, COMPUTED_SCALE)
        wanted = value.quantize(Decimal(1).scaleb(-COMPUTED_SCALE), ROUND_HALF_UP)
        assert numeric_in_binary(sent, 0, 16, COMPUTED_SCALE) == wanted


@pytest.mark.parametrize(
    "value", [of_postgres(Decimal(10**38)), struct.pack("!hhHh", 0, 0, 0xC000, 0)]
)
def test_what_has_too_many_digits_or_is_no_number_is_an_error(value: bytes) -> None:
    with pytest.raises(StatementError, match="overflow"):
        binary.numeric(value, 38, 0)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
)
def test_an_array_of_access_rights_comes_back(items: list[str]) -> None:
    quoted = [
        f'"{item.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        for item in items
    ]
    sent = binary.access_rights(("{" + ",".join(quoted) + "}").encode())
    assert array_recv_binary(sent, 0, len(sent)) == items


@pytest.mark.parametrize(
    ("asked", "answer"), [("0", 0), ("1", 1), ("2", 2), ("7", 2), ("", 0), ("two", 0), ("-1", 0)]
)
def test_the_version_is_the_lesser_of_both(asked: str, answer: int) -> None:
    assert agreed(asked) == answer


@given(
    st.lists(
        st.builds(
            Column,
            name=st.binary(max_size=5).map(lambda name: name.replace(b"\0", b"")),
            table=st.integers(0, 2**31 - 1),
            number=st.integers(0, 1600),
            kind=st.sampled_from([23, 1043, 1700]),
            size=st.integers(-1, 8),
            modifier=st.integers(0, 2**31 - 1),
            binary=st.booleans(),
        ),
        max_size=4,
    )
)
def test_a_base_description_is_postgresqls(columns: list[Column]) -> None:
    assert columns_of(row_description(columns, {}, "dev", Version.BASE)) == columns
