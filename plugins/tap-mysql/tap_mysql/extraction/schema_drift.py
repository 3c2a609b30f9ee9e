"""Columns that have changed since older rows of the lake were read."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tap_mysql.source.schema import Table

logger = logging.getLogger("tap-mysql.drift")


@dataclass(frozen=True)
class Drift:
    """What became of a table's columns between two runs.

    Attributes:
        filled: Added columns in which existing rows have a value, or may have one.
        added: All that were added.
        dropped: Those that are no longer read.
        moved: Those in a different order than before, such as one dropped and added again.
    """

    filled: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()

    @property
    def gives_values(self) -> bool:
        """Whether rows that existed before have a value in an added or renamed column."""
        return bool(self.filled or (self.added and self.dropped))

    @property
    def needs_backfill(self) -> bool:
        """Whether older rows in the lake may lack what the source has."""
        return self.gives_values or bool(self.moved)

    def __str__(self) -> str:
        parts = {"added": self.added, "dropped": self.dropped, "moved": self.moved}
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)

    @property
    def columns(self) -> list[str]:
        """The names of all that have changed."""
        return [*self.added, *self.dropped, *self.moved]


def unselected_of(table: Table, read: Collection[str]) -> tuple[str, ...]:
    """The table's columns that are not read."""
    return tuple(column.name for column in table.columns if column.name not in read)


def between(
    before: Sequence[str], now: Sequence[str], table: Table, unselected: Collection[str] = ()
) -> Drift:
    """Compares the columns that the last run read with those of this one.

    Args:
        before: In their order; empty: unknown.
        now: In their order.
        table: The table as it is now.
        unselected: Columns that the table had when the last run did not read them.
    """
    if not before:
        return Drift()
    added = tuple(name for name in now if name not in before)
    filled = {column.name for column in table.columns if column.is_filled} | {*unselected}
    kept, stay = [n for n in before if n in now], [n for n in now if n in before]
    blocks = SequenceMatcher(None, kept, stay, autojunk=False).get_matching_blocks()
    in_order = {name for block in blocks for name in stay[block.b : block.b + block.size]}
    return Drift(
        filled=tuple(name for name in added if name in filled),
        added=added,
        dropped=tuple(name for name in before if name not in now),
        moved=tuple(name for name in stay if name not in in_order),
    )


def warn(table: Table, drift: Drift) -> None:
    """Warns that rows in the lake, which no run reads again, may lack a column."""
    if not drift.needs_backfill:
        return
    logger.warning(
        "%s: its columns have changed (%s); rows that were already read keep their old values in "
        "the lake until their replication key changes. To read them again: tidemark watermark "
        "reset -t %s, then tidemark sync -t %s",
        table.name, drift, table.name, table.name,
        extra={"table": str(table.name), "columns": drift.columns},
    )  # fmt: skip
