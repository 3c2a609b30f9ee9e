"""Counts of values that were changed on the way, and the register of reasons."""

from __future__ import annotations

import json
from pathlib import Path

import mysql_arrow
import pytest
from tidemark_core.types.conversions import Conversions, Reason

PAGES = ("lake.md", "loading.md", "types.md")


def test_counts_add_up_and_are_written_as_they_are() -> None:
    counts = Conversions()
    counts.count("at", Reason.ZERO_DATE)
    counts.count("at", Reason.ZERO_DATE, 2)
    counts.count("t", Reason.NUL_REMOVED, 0)
    counts.merge({"at": {"zero_date": 1, "of another tap": 5}})
    assert json.loads(json.dumps(counts)) == {"at": {"zero_date": 4, "of another tap": 5}}


def test_merging_leaves_the_other_counts_as_they_were() -> None:
    one, two = Conversions(), {"c": {"zero_date": 1}}
    one.merge(two)
    one.merge(two)
    assert two == {"c": {"zero_date": 1}}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_documented(reason: Reason, project_root: Path) -> None:
    text = "".join((project_root / "docs" / page).read_text() for page in PAGES)
    assert f"`{reason}`" in text


def test_the_readers_reasons_are_in_the_register() -> None:
    assert {Reason(mysql_arrow.ZERO_DATE), Reason(mysql_arrow.INVALID_UTF8)} < set(Reason)
