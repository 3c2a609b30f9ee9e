"""JSON for a SUPER column, as it is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redshift_stand_in.copy.text.super_values import stored

_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_SCALARS = st.none() | st.booleans() | st.integers() | _TEXTS | _FLOATS
#: Values that JSON can hold.
VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_values_stay_and_blanks_go(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = stored(json.dumps(value, indent=indent, ensure_ascii=ascii_only))
    if value is None:
        assert text is None
        return
    assert text is not None
    assert text[0] == "\x01"
    assert json.loads(text[1:]) == value
    assert stored(text[1:]) == text, "it is stored as it is read"
    assert list(json.loads(text[1:])) == list(value) if isinstance(value, dict) else True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1.50, 1E2, -2.5e-3, 0e5, 12e0]", "[1.50,1e+2,-2.5e-3,0e+0,1.2e+1]"),
        ('{"b": 1, "a": "\\u00e9"}', '{"b":1,"a":"é"}'),
        ('"a b"', '"a b"'),
    ],
)
def test_how_it_is_written(text: str, expected: str) -> None:
    assert stored(text) == "\x01" + expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1",
        "[1] 2",
        "NaN",
        "[Infinity]",
        "1e999",
        '{"a": 1, "a": 1}',
        '[{"a": {"b": 1, "b": 2}}]',
        '"' + "é" * 32768 + '"',
        '"\\u0000"',
        "[" * 5000 + "]" * 5000,
        "[" + ",".join(['"' + "x" * 65535 + '"'] * 257) + "]",
    ],
    ids=range(12),
)
def test_what_super_does_not_take(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        stored(text)
