"""Tables in terminals of any width: nothing is cut off, nothing is broken within a word."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console
from tidemark.commands.repair.watermark import sheet
from tidemark.services.watermark.view import Watermark
from tidemark.terminal.format import counted, key_text
from tidemark.terminal.table import Sheet, make_table

NAME = "settlement.settlement_normal_delivery_detail"
WIDE = make_table(
    "Watermarks",
    ["table", "last data", "rows", "status"],
    [
        (NAME, "2026-11-24 17:55:10", 20_102, "backed up; 1 file to be loaded"),
        ("settlement.x", None, 3, "never backed up"),
    ],
    right="rows",
    wrap="status",
)


def drawn(sheet: Sheet, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(sheet)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_every_cell_is_there_whole_and_no_line_is_too_long(width: int) -> None:
    lines = drawn(WIDE, width)
    assert max(map(len, lines)) <= width
    schema = "" if NAME in "".join(lines) else "settlement."
    for row in WIDE.rows:
        for cell in row[:3]:
            assert any(cell.removeprefix(schema) in line for line in lines), cell
    words = " ".join(lines).split()
    assert {"backed", "loaded", "never"} <= set(words)


def test_what_fits_is_a_table_and_what_does_not_is_a_block_for_each_row() -> None:
    table = drawn(WIDE, 120)
    assert table[1].split() == ["table", "last", "data", "rows", "status"]
    assert table[3].index("20,102") + 6 == table[4].index("  3 ") + 3
    blocks = drawn(WIDE, 80)
    assert blocks[1] == "settlement_normal_delivery_detail"
    assert blocks[2] == "  last data 2026-11-24 17:55:10  rows 20,102"
    assert blocks[3] == "  status backed up; 1 file to be loaded"


def test_a_schema_that_all_names_have_is_said_once_where_there_is_no_room() -> None:
    assert drawn(WIDE, 120)[0] == "Watermarks"
    table = drawn(WIDE, 95)
    assert table[0] == "Watermarks, tables of settlement"
    assert table[3].startswith("settlement_normal_delivery_detail ")
    two = make_table("t", ["table", "x"], [(NAME, "x" * 30), ("other.x", "y")])
    assert NAME in drawn(two, 60)


def test_the_watermarks_of_long_names_are_a_table_in_120_columns() -> None:
    now = datetime(2026, 11, 24, 17, 55, 10, tzinfo=UTC)
    mark = Watermark(
        NAME, "update_at", "2026-11-24T17:55:10.000000", now, "bookmark",
        100_000, 5, 99_000, 4, 1, now, "backed up; 1 file to be loaded",
    )  # fmt: skip
    lines = drawn(sheet([mark]), 120)
    assert " ".join(lines[1].split()) == "table last data last extraction rows loaded status"
    assert "99,000 of 100,000" in lines[3]
    full = drawn(sheet([mark]), 200)
    assert NAME in full[3]
    assert {"bookmark", "4", "5"} <= set(full[3].split())


def test_columns_that_can_be_spared_go_before_the_table_does() -> None:
    heads, row = ["table", "from", "rows", ""], ("s.t", "bookmark", 1, "agrees")
    spared = make_table("t", heads, [row], spare="from")
    assert drawn(spared, 40)[1].split() == ["table", "from", "rows"]
    assert drawn(spared, 27)[1].split() == ["table", "rows"]
    assert drawn(spared, 27)[3].split() == ["t", "1", "agrees"]


def test_text_that_may_be_wrapped_is() -> None:
    lines = drawn(make_table("t", ["part", "found"], [("S3", "word " * 30)], wrap="found"), 60)
    assert len(lines) > 4
    assert all(len(line) <= 60 for line in lines)


def test_an_empty_table_says_so_and_markup_is_text() -> None:
    assert drawn(make_table("Failures", ["run"], []), 40)[1].strip() == "none"
    assert "[red]x[/]" in drawn(make_table("t", ["a"], [("[red]x[/]",)]), 40)[3]


def test_values_read_as_they_are_typed() -> None:
    assert key_text("2026-11-24T17:55:10.000000") == "2026-11-24 17:55:10"
    assert key_text("2026-11-24T17:55:10.000001") == "2026-11-24 17:55:10.000001"
    assert key_text("ITS-log.000001:4") == "ITS-log.000001:4"
    assert key_text(67590) == "67590"
    assert key_text(None) is None
    assert [counted(n, "file") for n in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert make_table("t", ["a"], [(moment,)]).rows == (("2026-01-01 00:00:00",),)
