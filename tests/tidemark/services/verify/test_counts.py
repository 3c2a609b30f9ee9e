from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tidemark.services.verify.counts import StageCounts

GOOD = StageCounts("s.t", source=10, changed=0, lake=12, landing=12, public=10)


def test_several_versions_of_a_row_are_no_difference() -> None:
    assert GOOD.differences() == []


def test_rows_changed_since_the_bookmark_may_be_public_or_not() -> None:
    moved = replace(GOOD, source=8, changed=2)
    for public in (8, 9, 10):
        assert replace(moved, public=public).differences() == []
    assert replace(moved, public=7).differences()
    (found,) = replace(moved, public=11).differences()
    assert found == "public has 11 rows, MySQL has 8 to 10: tidemark reconcile -t s.t"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lake": 9, "landing": 9}, "the lake has 9 rows, MySQL has 10: tidemark reconcile"),
        ({"landing": 11}, "landing has 11 rows, the lake has 12"),
        ({"landing": None}, "meltano run load"),
        ({"public": 9}, "public has 9 rows, MySQL has 10"),
        ({"public": 11}, "public has 11 rows, MySQL has 10"),
    ],
)
def test_what_does_not_add_up_is_said(change: dict[str, Any], message: str) -> None:
    (found,) = replace(GOOD, **change).differences()
    assert message in found


def test_a_table_without_a_model_is_held_against_landing_only() -> None:
    assert replace(GOOD, public=None).differences() == []


@pytest.mark.fault(15)
def test_marked_rows_explain_as_many_as_they_are_and_no_more() -> None:
    marked = replace(GOOD, source=7, public=10, deleted=3)
    assert marked.differences() == []
    (found,) = replace(marked, deleted=2).differences()
    assert found == (
        "public has 10 rows, 2 of them marked as deleted, MySQL has 7: tidemark reconcile -t s.t"
    )
    (found,) = replace(marked, deleted=4).differences()
    assert "tidemark reconcile -t s.t" in found


def test_rows_that_public_lacks_are_not_for_reconcile_to_find() -> None:
    (found,) = replace(GOOD, public=9).differences()
    assert found.startswith("public has 9 rows, MySQL has 10: meltano run build")


def test_numbers_read_as_in_the_table_above_them() -> None:
    big = replace(GOOD, source=2_000_000, lake=1_000_000, landing=1_000_001, public=3_000_000)
    text = "\n".join(big.differences())
    for number in ("2,000,000", "1,000,000", "1,000,001", "3,000,000"):
        assert number in text
