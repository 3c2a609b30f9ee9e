"""A bookmark of another server says no more than is true on this one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_mysql.incremental.bookmark import Bookmark, Edge, FirstLoad
from tap_mysql.incremental.failover import carried_over

INT64 = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.fault(38)
@given(INT64, INT64, st.none() | INT64)
def test_a_bookmark_of_another_server_says_no_more_than_is_true_here(
    value: int, upper: int, greatest: int | None
) -> None:
    load = FirstLoad(upper, ("id",), ((None, None),), value, Edge(1, 1, "1"), upper)
    for bookmark in (Bookmark(value, Edge(1, 1, "1")), Bookmark(first_load=load)):
        kept = carried_over(bookmark, greatest)
        if greatest is None:
            assert kept == Bookmark()
        elif kept.first_load is None:
            assert kept.value == min(value, greatest)
            assert (kept.edge is None) == (greatest < value)
        else:
            there = kept.first_load
            assert there.left == load.left
            assert there.edge is None
            assert (there.upper, there.cap) == (min(upper, greatest), min(upper, greatest))
            assert there.greatest == min(value, greatest)
