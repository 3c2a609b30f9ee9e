"""Precision and scale of computed decimals."""

from __future__ import annotations

import struct
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redshift_stand_in.sql.decimals import columns, nodes, rules
from redshift_stand_in.sql.decimals.rules import Digits

DIGITS = st.integers(1, 38).flatmap(
    lambda precision: st.builds(Digits, st.just(precision), st.integers(0, min(precision, 37)))
)
WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=5)
LISTS: st.SearchStrategy[Any] = st.recursive(WORDS, lambda inner: st.lists(inner, max_size=4))
TREES: st.SearchStrategy[Any] = st.recursive(
    LISTS,
    lambda inner: st.dictionaries(WORDS, inner, max_size=3).map(lambda d: {nodes.NAME: "N"} | d),
)


def written(tree: Any) -> str:
    if isinstance(tree, list):
        return f"({' '.join(map(written, tree))})"
    if isinstance(tree, dict):
        fields = [f":{k} {written(v)}" for k, v in tree.items() if k != nodes.NAME]
        return "{" + " ".join([tree[nodes.NAME], *fields]) + "}"
    return str(tree)


def stored(value: Decimal, scale: int) -> bytes:
    """A decimal as PostgreSQL keeps it, in its long form."""
    whole, _, fraction = f"{abs(value):f}".partition(".")
    whole = whole.lstrip("0")
    whole = whole.rjust(-(-len(whole) // 4) * 4, "0")
    fraction = fraction.ljust(-(-len(fraction) // 4) * 4, "0")
    groups = [int((whole + fraction)[i : i + 4]) for i in range(0, len(whole + fraction), 4)]
    weight = len(whole) // 4 - 1
    while groups and not groups[0]:
        groups.pop(0)
        weight -= 1
    head = struct.pack("<iHh", 0, scale, weight if groups else 0)
    return head + b"".join(struct.pack("<h", group) for group in groups)


@given(TREES)
def test_a_tree_reads_back_as_it_was(tree: Any) -> None:
    assert nodes.parse(written(tree)) == tree


@pytest.mark.parametrize("text", ["", "(", "{N", "{N :a (b}", "a b", ")", "{N :a }}"])
def test_what_is_no_tree_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="parse tree"):
        nodes.parse(text)


def test_values_of_several_words_and_escapes() -> None:
    found = nodes.parse(r"{CONST :name a\ b :value 2 [ 1 -1 ] :none <>}")
    assert found["value"] == ["2", "[", "1", "-1", "]"]
    assert (found["name"], found["none"]) == (r"a\ b", "<>")


def test_the_examples_of_the_guide() -> None:
    price = Digits(8, 2)
    assert rules.divided(price, price) == (17, 9)
    assert rules.merged(Digits(7, 2), Digits(15, 3)) == (15, 3)
    assert rules.summed(Digits(5, 2)) == (38, 2)
    assert rules.averaged(Digits(5, 2)) == (19, 2)
    assert rules.multiplied(price, Digits(5, 0)) == (14, 2)
    assert rules.added(price, Digits(10, 0)) == (13, 2)


@given(DIGITS, DIGITS)
def test_no_result_is_beyond_the_limits(a: Digits, b: Digits) -> None:
    for rule in (rules.added, rules.multiplied, rules.divided, rules.merged):
        precision, scale = rule(a, b)
        assert 1 <= precision <= 38
        assert 0 <= scale <= 37
        assert scale <= precision


@given(DIGITS, DIGITS)
def test_a_sum_and_a_product_hold_what_they_must(a: Digits, b: Digits) -> None:
    def largest(digits: Digits) -> Fraction:
        return Fraction(10**digits.precision - 1, 10**digits.scale)

    for rule, value in (
        (rules.added, largest(a) + largest(b)),
        (rules.multiplied, largest(a) * largest(b)),
    ):
        found = rule(a, b)
        if found.precision < 38:
            assert value < 10**found.whole


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=None, min_value=-(10**30), max_value=10**30
    )
)
def test_a_literal_has_the_digits_that_were_written(value: Decimal) -> None:
    scale = max(0, -int(value.as_tuple().exponent))
    whole = len(str(int(abs(value))))
    expected = (whole + scale, scale) if whole + scale <= 38 else None
    assert rules.of_constant(stored(value, scale)) == expected


def test_literals_in_the_short_form() -> None:
    one_and_a_half = bytes([40, 0, 0, 0, 0x80, 0x80, 1, 0, 0x88, 0x13])
    a_ten_thousandth = bytes([32, 0, 0, 0, 0x7F, 0x82, 1, 0])
    assert rules.of_constant(one_and_a_half) == (2, 1)
    assert rules.of_constant(a_ten_thousandth) == (5, 4)
    assert rules.of_constant(bytes([0, 0, 0, 0, 0x00, 0xC0])) is None


@given(DIGITS)
def test_modifiers(digits: Digits) -> None:
    assert rules.of_modifier((digits.precision << 16 | digits.scale) + 4) == digits
    assert rules.of_modifier(-1) is None


def test_what_is_not_known_has_no_digits() -> None:
    column = "{TARGETENTRY :expr {PARAM :x 1} :resno 1 :resjunk false}"
    query = f"({{QUERY :setOperations <> :targetList ({column})}})"
    assert columns.of_query(query, 0) == [None]
