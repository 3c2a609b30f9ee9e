"""Splits integer keys into ranges of similar size, based on a few hundred samples.

Counting keys and walking to the n-th reads them all: 0.8 s per million rows of a wide table, before
the first row is read. Here the span of the keys is cut into equal parts, and each part's rows are
estimated from its first and last few keys. Parts that may hold many are cut again, so gaps and
skewed keys are found. A dense run amid sparse keys may be missed: the ranges are less even then, by
a few times at worst, and each key is still in one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tidemark_core.names import TableName, quote_mysql

from tap_mysql.query.sql import table_sql

#: Keys looked at on each side of a part, and approximate parts per query.
_KEYS, _PARTS = 32, 64
#: Maximum rounds of sampling: very irregular keys of all magnitudes up to 2**60 took 10.
_LOOKS = 16
#: A part with at most this share of a range's rows is not cut again.
_UNEVEN = 0.125

Span = tuple[int, int]
Look = Callable[[Sequence[Span]], Sequence["Sample"]]


@dataclass(frozen=True)
class Sample:
    """The keys at the two ends of a span.

    Attributes:
        seen: How many were looked at on each side; fewer than asked for if there are no more.
        first: The least key.
        up_to: The greatest one of those looked at from the first on.
        down_to: The least one of those looked at from the last on.
        last: The greatest key.
    """

    seen: int
    first: int
    up_to: int
    down_to: int
    last: int


@dataclass(frozen=True)
class _Part:
    """Keys from the first to the last one, both of which exist, and about how many there are.

    Attributes:
        whole: Whether all of them have been counted.
    """

    first: int
    last: int
    rows: float
    whole: bool


def cuts(look: Look, low: int, high: int, ranges: int) -> list[int] | None:
    """Decides where to cut.

    Args:
        look: Samples spans, both ends included; gives one sample per span, in their order.
        low: The least key.
        high: The greatest one.
        ranges: How many ranges are wanted.

    Returns:
        The last key of each range but the last, ascending, fewer for fewer keys; None if the keys
        are too irregular.
    """
    parts = _estimate(look(((low, high),)))
    for _ in range(_LOOKS):
        limit = sum(part.rows for part in parts) * _UNEVEN / ranges
        large = [part for part in parts if not part.whole and part.rows > limit]
        if not large:
            return _quantiles(parts, ranges)
        pieces = max(2, _PARTS // len(large))
        spans = [span for part in large for span in _equal(part, pieces)]
        kept = [part for part in parts if part not in large]
        parts = sorted([*kept, *_estimate(look(spans))], key=lambda part: part.first)
    return None


def _estimate(samples: Sequence[Sample]) -> list[_Part]:
    return [_part(sample) for sample in samples if sample.seen]


def _part(sample: Sample) -> _Part:
    """Estimates a part: as dense in between as at its ends, on average."""
    if sample.seen < _KEYS or sample.up_to >= sample.down_to:
        return _Part(sample.first, sample.last, _counted(sample), whole=True)
    beginning = sample.seen / (sample.up_to - sample.first + 1)
    end = sample.seen / (sample.last - sample.down_to + 1)
    rows = (sample.last - sample.first + 1) * (beginning + end) / 2
    return _Part(sample.first, sample.last, rows, whole=False)


def _counted(sample: Sample) -> float:
    """Rows of a part of which all keys were looked at, some of them from both sides."""
    return sample.seen if sample.seen < _KEYS else min(2 * _KEYS, sample.last - sample.first + 1)


def _equal(part: _Part, pieces: int) -> list[Span]:
    size = -(-(part.last - part.first + 1) // pieces)
    starts = range(part.first, part.last + 1, size)
    return [(start, min(start + size - 1, part.last)) for start in starts]


def _quantiles(parts: Sequence[_Part], ranges: int) -> list[int]:
    """The keys that cut the rows into equal shares, interpolated within a part.

    At most one of them lies in a part, whose first and last keys exist: no range is empty.
    """
    share = sum(part.rows for part in parts) / ranges
    before, number, found = 0.0, 1, list[int]()
    for part in parts:
        wanted = share * number - before
        if number < ranges and wanted <= part.rows:
            length = part.last - part.first + 1
            found.append(part.first + min(int(length * wanted / part.rows), length - 1))
        before += part.rows
        while number < ranges and share * number <= before:
            number += 1
    last = max((part.last for part in parts), default=0)
    return [cut for cut in found if cut < last]


def sample_sql(table: TableName, column: str, spans: Sequence[Span]) -> str:
    """The query that samples spans: two rows per span, of number, count and two ends.

    Even numbers mark keys from the span's beginning, odd ones keys from its end.
    """
    name = quote_mysql(column)
    return " UNION ALL ".join(
        f"SELECT {2 * number + side}, COUNT(*), MIN(k), MAX(k) FROM (SELECT {name} AS k "
        f"FROM {table_sql(table)} WHERE {name} BETWEEN {low} AND {high} ORDER BY {name} {order} "
        f"LIMIT {_KEYS}) AS s{2 * number + side}"
        for number, (low, high) in enumerate(spans)
        for side, order in enumerate(("ASC", "DESC"))
    )


def samples(rows: Sequence[Sequence[object]]) -> list[Sample]:
    """Reads the answer to `sample_sql`, whose rows may come in any order."""
    ordered = sorted([[_number(value) for value in row] for row in rows])
    return [
        Sample(up[1], up[2], up[3], down[2], down[3])
        for up, down in zip(ordered[::2], ordered[1::2], strict=True)
    ]


def _number(value: object) -> int:
    """A number of an answer; NULL, the least of no keys, becomes 0."""
    return 0 if value is None else int(str(value))
