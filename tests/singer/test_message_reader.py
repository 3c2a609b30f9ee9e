"""Messages of a tap that are broken: an error about one never shows it, for it may hold a row."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark_core.errors import SourceError
from tidemark_singer.target.message_reader import QuietReader

pytestmark = pytest.mark.security(10)
CARD = "4111111111111111"
LINE = json.dumps({"type": "RECORD", "stream": "a-b", "record": {"ID": 1, "card": CARD}})


def refusal(line: str) -> str:
    with pytest.raises(SourceError) as raised:
        QuietReader().process_lines(io.StringIO(line), {})
    assert raised.value.__cause__ is None
    return str(raised.value)


@given(st.integers(1, len(LINE) - 1))
def test_a_line_that_is_cut_anywhere_is_not_shown(end: int) -> None:
    text = refusal(LINE[:end])
    assert f"a line of {end} characters that is not JSON" in text
    assert CARD[:4] not in text


@pytest.mark.parametrize("line", [f'"{CARD}"', f"[{CARD}]", CARD, "null", f'{{"record": {CARD}}}'])
def test_a_line_that_is_no_message_is_not_shown(line: str) -> None:
    assert CARD not in refusal(line)


def test_a_line_that_is_nested_without_end_is_not_json() -> None:
    assert "not JSON" in refusal('{"type":' + "[" * 200_000)
