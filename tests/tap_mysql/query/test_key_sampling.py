"""Whole-number keys are cut into even ranges, however they lie, and few of them are looked at."""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tap_mysql.query import key_sampling
from tap_mysql.query.key_sampling import Sample, Span, cuts, samples

#: Keys of a run: where it begins, how many, and how far apart.
RUNS = st.tuples(st.integers(-(2**63), 2**64 - 2**40), st.integers(1, 3_000), st.integers(1, 10**6))
_DICE = random.Random(7)
_MANY = range(30_000)
KEYS: dict[str, Iterable[int]] = {
    "a sequence": _MANY,
    "below zero too": range(-15_000, 15_000),
    "ever wider gaps": [n * n * 1_000_003 for n in _MANY],
    "two at the maximum": [*_MANY, 2**64 - 5, 2**64 - 4],
    "random": [_DICE.randrange(2**63) for _ in _MANY],
    "one wide gap": [n if n < 15_000 else n + 10**12 for n in _MANY],
    "all magnitudes": [int(2 ** (_DICE.random() * 60)) for _ in _MANY],
    "two sequences in one another": [n if n % 1_000 < 10 else n * 7 for n in _MANY],
    "moments and machines": [
        int(_DICE.random() ** 3 * 10**9) << 22 | _DICE.randrange(1_024) << 12 for _ in _MANY
    ],
    "batches": [n for n in range(300_000) if n // 5_000 % 10 == 3],
}


class Keys:
    """A table's keys, and how many of them were looked at."""

    def __init__(self, runs: Sequence[tuple[int, int, int]]) -> None:
        found = {start + n * step for start, count, step in runs for n in range(count)}
        self.all = sorted(found)
        self.looked_at = 0

    def look(self, spans: Sequence[Span]) -> list[Sample]:
        return [self._sample(low, high) for low, high in spans]

    def _sample(self, low: int, high: int) -> Sample:
        inside = self.all[bisect.bisect_left(self.all, low) : bisect.bisect_right(self.all, high)]
        head, tail = inside[: key_sampling._KEYS], inside[-key_sampling._KEYS :]
        self.looked_at += len(head) + len(tail)
        if not head:
            return Sample(0, 0, 0, 0, 0)
        return Sample(len(head), head[0], head[-1], tail[0], tail[-1])

    def sizes(self, cut: Sequence[int]) -> list[int]:
        edges = [0, *(bisect.bisect_right(self.all, key) for key in cut), len(self.all)]
        return [end - start for start, end in itertools.pairwise(edges)]


@given(st.lists(RUNS, min_size=1, max_size=12), st.integers(2, 9))
@example([(0, 1, 1), (2, 1, 1)], 4)
def test_each_key_is_in_one_range(runs: list[tuple[int, int, int]], ranges: int) -> None:
    keys = Keys(runs)
    found = cuts(keys.look, keys.all[0], keys.all[-1], ranges)
    assert found is not None
    assert found == sorted(set(found))
    sizes = keys.sizes(found)
    assert len(sizes) <= ranges
    assert sum(sizes) == len(keys.all)
    assert 0 not in sizes


@pytest.mark.parametrize("ranges", [2, 4, 7])
@pytest.mark.parametrize("name", KEYS)
def test_ranges_are_even_however_the_keys_lie(name: str, ranges: int) -> None:
    keys = Keys([(key, 1, 1) for key in KEYS[name]])
    found = cuts(keys.look, keys.all[0], keys.all[-1], ranges)
    assert found is not None
    sizes = keys.sizes(found)
    assert len(sizes) == ranges
    assert max(sizes) < 1.1 * len(keys.all) / ranges


def test_a_million_keys_are_cut_by_few_of_them() -> None:
    keys = Keys([(1, 900_000, 3), (10**15, 100_000, 1)])
    found = cuts(keys.look, keys.all[0], keys.all[-1], 4)
    assert found is not None
    assert max(keys.sizes(found)) < 1.05 * 250_000
    assert keys.looked_at < 20_000


def test_keys_that_look_otherwise_each_time_are_not_told() -> None:
    dense, none = Sample(key_sampling._KEYS, 0, 31, 2**62, 2**62 + 31), Sample(0, 0, 0, 0, 0)
    assert cuts(lambda spans: [dense, *[none] * (len(spans) - 1)], 0, 2**63, 4) is None


@pytest.mark.parametrize(("low", "high"), [(7, 7), (1, 9)])
def test_few_keys_are_all_looked_at(low: int, high: int) -> None:
    keys = Keys([(low, high - low + 1, 1)])
    found = cuts(keys.look, low, high, 3)
    assert found is not None
    assert sum(keys.sizes(found)) == high - low + 1


def test_an_answer_is_read_in_any_order() -> None:
    rows = [(3, 0, None, None), (1, "2", 5, 6), (0, 2, 5, "6"), (2, 0, None, None)]
    assert samples(rows) == [Sample(2, 5, 6, 5, 6), Sample(0, 0, 0, 0, 0)]
