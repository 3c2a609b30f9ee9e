"""No text of others moves the terminal's cursor, turns letters round or forges a line of a log."""

from __future__ import annotations

import logging
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tidemark.terminal.table import make_table
from tidemark_core.errors import TidemarkError
from tidemark_core.logs import TextFormatter
from tidemark_core.text.printable import key_text, printable, printable_lines

ATTACKS = st.text(
    alphabet=st.one_of(
        st.characters(max_codepoint=0xA0),
        st.sampled_from("\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069é漢😀"),
    )
)


def is_harmless(text: str) -> bool:
    """Whether there is no control character in it, nor one that changes the direction."""
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return all(
        unicodedata.category(c) not in ("Cc", "Zl", "Zp")
        and unicodedata.bidirectional(c) not in turning
        for c in text
    )


@given(ATTACKS)
def test_nothing_that_controls_a_terminal_is_left(text: str) -> None:
    assert is_harmless(printable(text))
    assert is_harmless(printable_lines(text).replace("\n", ""))


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert printable(text) == printable_lines(text) == text


def test_what_is_spelled_can_be_read() -> None:
    assert printable("a\x1b[2J\n\x9b\u202eb") == r"a\x1b[2J\x0a\x9b\u202eb"


@pytest.mark.security(30)
@given(ATTACKS)
def test_an_error_names_a_table_harmlessly(text: str) -> None:
    error = TidemarkError(f"said {text}", table=text, column=text, key=text, hint=text)
    assert is_harmless(str(error).replace("\n", ""))


@pytest.mark.security(30)
@given(ATTACKS)
def test_a_log_has_a_time_before_each_line_that_is_one(text: str) -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 1, "%s", (f"{text}\n2026 FAKE",), None)
    record.table = text
    first, *others = TextFormatter().format(record).split("\n")
    assert others
    assert all(line.startswith("    ") and is_harmless(line) for line in [f"    {first}", *others])


@pytest.mark.security(30)
@given(ATTACKS, st.sampled_from([20, 200]))
def test_a_table_shows_values_harmlessly(text: str, width: int) -> None:
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as shown:
        console.print(make_table(text, ["name", text], [["a", text]]))
    assert is_harmless(shown.get().replace("\n", ""))


def test_a_key_shows_where_its_texts_end() -> None:
    assert key_text({"a": 1, "b": "x", "c": "x "}) == "a=1, b=x, c='x '"
    assert key_text({}) is None
