"""The guide's printed answers: read as tables, and held against what the stand-in answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from suites.catalogue import PAGES
from suites.guide.answers import compare_answers
from suites.guide.printed import Table, is_same, table
from suites.reasons import OPEN
from suites.results import PASSED, SKIPPED


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\n a | b\n---+---\n 1 |\n   | x\n(2 rows)\n 9 | 9\n",
         Table(["a", "b"], [["1", ""], ["", "x"]])),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n|---|---|\n| 3 | 4 |",
         Table(["a", "b"], [["1", "2"], ["3", "4"]])),
        ("a\n----------\n one | two \n\n more", Table(["a"], [["one | two"]])),
        ("a\n---\n\n(1 row)", Table(["a"], [])),
        ("INSERT 0 1\n", None),
    ],
)  # fmt: skip
def test_a_printed_table_is_read(text: str, found: Table | None) -> None:
    assert table(text) == found


@pytest.mark.parametrize(
    ("rows", "printed", "same"),
    [
        ([("1", None)], [["1.00", "NULL"]], True),
        ([("2020-01-02 00:00:00", "t")], [["2020-01-02", "True"]], True),
        ([("a",), ("b",)], [["b"], ["a"]], True),
        ([(None,)], [], True),
        ([("x",)], [], False),
        ([("0.30000000000000004",)], [["0.3"]], False),
        ([("a",), ("a",)], [["a"]], False),
    ],
)
def test_rows_are_compared_as_they_are_printed(
    rows: list[tuple[object, ...]], printed: list[list[str]], same: bool
) -> None:
    assert is_same(rows, Table(["c"], printed)) is same


def test_an_order_that_was_asked_for_is_compared() -> None:
    wanted = Table(["c"], [["b"], ["a"]])
    assert is_same([("b",), ("a",)], wanted, ordered=True)
    assert not is_same([("a",), ("b",)], wanted, ordered=True)


def test_pages_are_compared_with_the_stand_in(tmp_path: Path) -> None:
    (tmp_path / PAGES).mkdir()
    (tmp_path / PAGES / "a.md").write_text(
        "```\ncreate table t (a int); insert into t values (2), (1);\nselect a from t;\n```\n"
        "```\n a\n---\n 1\n 2\n```\n"
        "```\nselect a + 1 as b from t where a = 1;\n b\n---\n 3\n(1 row)\n\n"
        "select 1 as x;\n y\n---\n 1\n\nselect * from nowhere;\n a\n---\n 1\n\n"
        "select sysdate;\n timestamp\n-----------\n 2008-12-04\n```\n"
    )
    found = {each.name: each.outcome for each in compare_answers(tmp_path).results}
    assert found == {"a::3": PASSED, "a::4": OPEN, "a::5": OPEN, "a::6": SKIPPED}
