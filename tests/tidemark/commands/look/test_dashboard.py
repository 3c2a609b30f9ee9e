"""The dashboard in terminals of any size: what matters is on the first screen, the only one."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tidemark.commands.look.dashboard import View, fitting
from tidemark.services.health.checks import Finding, Level
from tidemark.services.lake.activity import DayActivity
from tidemark.services.watermark.view import Watermark

NOW = datetime(2026, 11, 24, 17, 55, 10, tzinfo=UTC)
WELL = "backed up; all loaded"
GOOD = [Finding(f"part {n}", Level.OK, "a sentence of some length about it") for n in range(9)]
DAYS = [DayActivity(f"2026-11-{day}", 1, day * 100, 1) for day in range(17, 24)]
TABLES = 9


def mark(number: int, status: str = WELL) -> Watermark:
    name = f"settlement.settlement_normal_delivery_{number:03}"
    value = "2026-11-24T17:55:10.000000"
    return Watermark(name, "update_at", value, NOW, "bookmark", 9, 1, 9, 1, 0, NOW, status)


def drawn(view: View, width: int, height: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(fitting(view, width, height), end="")
    return out.getvalue().rstrip("\n").splitlines()


def test_nine_tables_fit_into_the_smallest_terminal() -> None:
    lines = drawn(View(GOOD, [mark(n) for n in range(9)], DAYS), 80, 23)
    assert len(lines) <= 23
    assert lines[0] == "Status: 9 of 9 checks OK"
    assert sum("settlement_normal_delivery_" in line for line in lines) == TABLES
    assert "2026-11-23" in "\n".join(lines)


def test_a_large_terminal_shows_all_of_it() -> None:
    lines = drawn(View(GOOD, [mark(n) for n in range(9)], DAYS), 160, 50)
    assert sum("a sentence of some length" in line for line in lines) == len(GOOD)
    assert sum(line.startswith("2026-11-") for line in lines) == len(DAYS)


def test_what_is_not_well_is_seen_however_small_the_terminal_is() -> None:
    broken = [*GOOD, Finding("S3", Level.ERROR, "it is down")]
    marks = [mark(n) for n in range(60)] + [mark(99, "reset: the next backup reads everything")]
    text = "\n".join(drawn(View(broken, marks, DAYS), 80, 23))
    assert "Status: 9 of 10 checks OK" in text
    assert "it is down" in text
    assert "settlement_normal_delivery_099" in text
    assert "more tables: tidemark watermark list" in text


@pytest.mark.parametrize("width", [80, 120])
@given(st.integers(0, 40), st.integers(0, 9), st.integers(15, 60))
def test_it_is_never_longer_than_the_terminal(
    width: int, tables: int, wrong: int, height: int
) -> None:
    findings = GOOD[wrong:] + [Finding("S3", Level.WARN, "slow")] * min(wrong, 5)
    view = View(findings, [mark(n) for n in range(tables)], DAYS)
    lines = drawn(view, width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
