"""The comparison itself: what is changed, lost or made up on the way is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from anydb.stores.compare import Row, compare, in_lake, in_landing, in_landing_from_csv
from anydb.stores.source import ZERO_DATE, Snapshot, Value
from anydb.stores.values import plain, spelled

SNAPSHOT = Snapshot(
    {"id": "integer", "note": "text"},
    ("id",),
    [{"id": Value("1"), "note": Value("a")}, {"id": Value("2"), "note": Value(None)}],
)
COPIES: list[Row] = [
    {"id": "1", "note": "old"},
    {"id": "1", "note": "a"},
    {"id": "2", "note": None},
]
SEEN = {("1",), ("2",)}


def found(copies: list[Row], snapshot: Snapshot = SNAPSHOT) -> list[str]:
    return compare(snapshot, copies, SEEN, in_lake, whole=False).wrong


def test_equal_copies_are_equal() -> None:
    findings = compare(SNAPSHOT, COPIES, SEEN, in_lake, whole=False)
    assert (findings.wrong, findings.rows, findings.values) == ([], 2, 4)


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda rows: rows[:-1], "missing"),
        (lambda rows: [*rows, {"id": "3", "note": None}], "never were"),
        (lambda rows: [*rows[:1], *rows[2:]], "'a' became 'old'"),
        (lambda rows: [*rows[:2], {"id": "2", "note": ""}], "None became ''"),
    ],
)
def test_a_damaged_copy_is_seen(damage: Callable[[list[Row]], list[Row]], word: str) -> None:
    (wrong,) = found(damage(COPIES))
    assert word in wrong


def test_a_changed_key_is_seen() -> None:
    rows = [{"id": Value(None, ZERO_DATE), "note": Value("a")}]
    wrong = found([{"id": None, "note": "a"}], replace(SNAPSHOT, rows=rows))
    assert any("changed on the way" in text for text in wrong)


@pytest.mark.parametrize("whole", [True, False])
def test_a_row_without_a_key_is_looked_for_by_its_values(whole: bool) -> None:
    row = {"id": Value("1"), "note": Value("a")}
    twice = Snapshot(SNAPSHOT.columns, (), [row, row])
    copies: list[Row] = [{"id": "1", "note": "a"}]
    assert bool(compare(twice, copies, set(), in_lake, whole=whole).wrong) is whole
    assert compare(twice, [{"id": "1", "note": "A"}], set(), in_lake, whole=whole).wrong


def test_landing_has_no_nul() -> None:
    assert in_landing("text", Value("a\0b")) == Value("ab", "nul_removed")
    assert in_landing("bytes", Value("6100")) == Value("6100")


def test_csv_has_no_empty_binary() -> None:
    assert in_landing("bytes", Value("")) == Value("")
    assert in_landing_from_csv("bytes", Value("")) == Value(None, "empty_binary_null")
    assert in_landing_from_csv("text", Value("")) == Value("")


def test_values_have_one_spelling() -> None:
    assert [plain(text) for text in ("-0.50", "007", "0.00", "-0", "1e5"[:1])] == [
        "-0.5", "7", "0", "0", "1",
    ]  # fmt: skip
    assert spelled("float64", "-0") != spelled("float64", 0.0)
    assert spelled("integer", "2024-01-01") == "(no integer) 2024-01-01"
    assert spelled("moment", "2024-01-01 00:00:00") == "2024-01-01 00:00:00.000000"
