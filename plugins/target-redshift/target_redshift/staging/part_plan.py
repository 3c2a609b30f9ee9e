"""How many CSV parts a load has, and how many rows each. Pure.

https://docs.aws.amazon.com/redshift/latest/dg/c_best-practices-use-multiple-files.html: files of
about equal size, their number a multiple of the slices, 1 MB to 1 GB each when compressed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: Small enough that uploading overlaps compressing, far above the 1 MB below which COPY wastes
#: its time on opening files.
TARGET_PART_BYTES = 32 * 1024 * 1024
#: CSV, gzip level 1, against zstd Parquet of the same rows (settlement data).
CSV_GROWTH = 1.4
#: Parts of a load, at most: 320 GB of the size above; those of a larger load are larger.
_MOST_PARTS = 10_000


@dataclass(frozen=True)
class PartPlan:
    """The parts of a load, in rounds that are written at the same time.

    Nothing is listed, so that a plan is small whatever a manifest says of its files.

    Attributes:
        rows: Rows of the load.
        count: Number of parts; their rows differ by one at most.
        width: Parts of a round.
    """

    rows: int
    count: int
    width: int

    @property
    def rounds(self) -> Iterator[tuple[int, ...]]:
        """Rows of each part, round by round."""
        for start in range(0, self.count, self.width):
            parts = range(start, min(start + self.width, self.count))
            yield tuple(self.rows // self.count + (part < self.rows % self.count) for part in parts)

    def blocks(self, size: int) -> Iterator[tuple[int, int, int]]:
        """Deals rows out to the parts of each round, a block at a time, in turn.

        Args:
            size: Most rows of a block.

        Yields:
            Round, part in the round, rows of the block.
        """
        for number, quotas in enumerate(self.rounds):
            left = list(quotas)
            while any(left):
                for part, rows in enumerate(left):
                    if rows:
                        taken = min(size, rows)
                        left[part] -= taken
                        yield number, part, taken


def plan_parts(rows: int, size: int, slices: int) -> PartPlan:
    """Plans the parts of a load.

    Args:
        rows: Rows of the load.
        size: Bytes of its files, as far as they are known.
        slices: Slices of the warehouse.

    Returns:
        A plan whose number of parts is a multiple of ``slices`` and whose parts differ by one row
        at most; fewer parts when there are fewer rows than that.
    """
    if rows <= slices:
        return PartPlan(rows, rows, slices)
    rounds = max(1, round(size * CSV_GROWTH / (slices * TARGET_PART_BYTES)))
    # The size is what a manifest says, which may be anything.
    rounds = min(rounds, max(1, _MOST_PARTS // slices))
    return PartPlan(rows, min(rounds, rows // slices) * slices, slices)
