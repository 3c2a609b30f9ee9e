"""Parts hold every row, are equal, and are of a good size."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_redshift.staging.part_plan import TARGET_PART_BYTES, plan_parts


@given(st.integers(0, 10_000_000), st.integers(0, 50 * TARGET_PART_BYTES), st.integers(1, 64))
def test_parts_hold_every_row_and_are_equal(rows: int, size: int, slices: int) -> None:
    plan = plan_parts(rows, size, slices)
    quotas = [quota for round_ in plan.rounds for quota in round_]
    assert sum(quotas) == rows
    if rows:
        assert max(quotas) - min(quotas) <= 1
        assert min(quotas) >= 1
    assert plan.count % slices == 0 or plan.count == rows < slices


@given(st.integers(1, 5_000), st.integers(1, 7), st.integers(1, 400))
def test_blocks_deal_out_exactly_the_quotas(rows: int, slices: int, size: int) -> None:
    plan = plan_parts(rows, rows * 100_000, slices)
    dealt: Counter[tuple[int, int]] = Counter()
    rounds = []
    for number, part, taken in plan.blocks(size):
        assert 0 < taken <= size
        dealt[number, part] += taken
        rounds.append(number)
    assert rounds == sorted(rounds), "one round is finished before the next begins"
    assert [dealt[n, p] for n, quotas in enumerate(plan.rounds) for p in range(len(quotas))] == [
        quota for quotas in plan.rounds for quota in quotas
    ]


def test_parts_of_a_large_load_are_of_a_good_size() -> None:
    plan = plan_parts(10_000_000, 1_000_000_000, 4)
    assert plan.count % 4 == 0
    assert 1_000_000 < 1_400_000_000 / plan.count < 100_000_000


@pytest.mark.fault(134)
def test_a_plan_is_small_whatever_a_manifest_says_of_its_files() -> None:
    plan = plan_parts(10**15, 10**18, 4)
    assert plan.count % 4 == 0
    assert plan.count <= 10_000
    number, part, rows = next(plan.blocks(8_192))
    assert (number, part, rows) == (0, 0, 8_192)
