"""Rows that MySQL has and the copy has not, although the bookmark is beyond them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from tidemark.services.compare.content.comparison import Difference, by_value
from tidemark.terminal.format import counted, key_text

_SHOWN = 5


def read_again(table: object, since: str | None) -> str:
    """The commands that bring late rows.

    Args:
        table: ``schema.table``.
        since: The least replication key among them; None: the table is read whole each time.
    """
    if since is None:
        return f"tidemark sync -t {table}"
    text = key_text(since) or ""
    option = f"--id {text}" if text.lstrip("-").isdecimal() else f"--timestamp '{text}'"
    return f"tidemark watermark set -t {table} {option}, then tidemark sync -t {table}"


def content_cure(table: str, differences: Iterable[Difference]) -> str | None:
    """What to do about rows that differ; None if none do."""
    found = list(differences)
    marks = [one.since for one in found if one.since is not None]
    back = sum(one.back for one in found)
    if any(one.missing or one.changed > one.back for one in found):
        again = f"to read them again: {read_again(table, min(marks, key=by_value, default=None))}"
        return f"{again}; {_back(table, back)}" if back else again
    if back:
        return _back(table, back)
    if any(one.extra for one in found):
        return f"to mark the rows that no longer exist in MySQL: tidemark reconcile -t {table}"
    return f"to read everything again: tidemark watermark reset -t {table}" if found else None


def _back(table: str, rows: int) -> str:
    """What to do about rows whose version in MySQL would not win if they were read again."""
    return (
        f"the replication key of {counted(rows, 'row')} went backwards, and the copy keeps the "
        "version with the greatest key: set it in MySQL to a greater value, such as the current "
        f"time, then {read_again(table, None)}"
    )


@dataclass(frozen=True)
class Late:
    """Rows of one table that the public table does not have.

    Attributes:
        table: ``schema.table``.
        rows: How many.
        landed: How many of them are in landing: they wait for dbt.
        first: The first of their keys.
        since: The least replication key of those that are not in landing.
    """

    table: str
    rows: int
    landed: int
    first: tuple[str, ...]
    since: str | None

    def __str__(self) -> str:
        said = (
            f"{self.table}: {counted(self.rows, 'row')} of MySQL before the bookmark "
            f"{'is' if self.rows == 1 else 'are'} not in public, first keys: "
            f"{', '.join(self.first)}; "
        )
        if self.landed == self.rows:
            again = (
                "meltano run build, and if they are still missing, meltano invoke dbt:full-refresh"
            )
            return f"{said}landing has them: {again}"
        return said + f"to read them again: {read_again(self.table, self.since)}"


@dataclass
class LateRows:
    """Gathers a table's late rows; keeps only a few of their keys."""

    table: str
    rows: int = 0
    landed: int = 0
    first: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)

    def add(self, late: Mapping[str, str], landed: Collection[str]) -> None:
        """Adds a slice's late rows: replication keys by key, and the keys that landing has."""
        self.rows += len(late)
        self.landed += len(landed)
        self.first = sorted([*self.first, *late], key=by_value)[:_SHOWN]
        marks = [mark for key, mark in late.items() if key not in landed]
        self.marks = sorted([*self.marks, *marks], key=by_value)[:1]

    def told(self) -> list[Late]:
        """The late rows to report, if any."""
        if not self.rows:
            return []
        since = self.marks[0] if self.marks else None
        return [Late(self.table, self.rows, self.landed, tuple(self.first), since)]
