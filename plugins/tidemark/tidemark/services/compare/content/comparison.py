"""What is compared of a table's rows, and what of them differs. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidemark_core.names import TableName

from tidemark.services.compare.content.checksum_sql import Side
from tidemark.services.compare.keys.row_keys import RowKey
from tidemark.services.compare.row_text import Column


@dataclass(frozen=True)
class Difference:
    """A slice that differs.

    Attributes:
        table: ``schema.table``.
        copy: What was compared with MySQL: ``public`` or ``landing``.
        first: Its first key; None: the table's beginning, or no range.
        last: Where the next range begins; None: the table's end, or no range.
        columns: The columns that differ in rows which both have.
        keys: The first keys that differ.
        missing: How many keys only MySQL has.
        extra: How many only the copy has.
        changed: How many both have, with other values, or more than once.
        since: The least replication key of what is missing or changed.
        back: How many of the changed have a replication key in MySQL that is less than the copy's.
    """

    table: str
    copy: str
    first: str | None = None
    last: str | None = None
    columns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    missing: int = 0
    extra: int = 0
    changed: int = 0
    since: str | None = None
    back: int = 0

    def __str__(self) -> str:
        found = [
            f"{number:,} {what}"
            for number, what in (
                (self.missing, f"missing in {self.copy}"),
                (self.extra, f"only in {self.copy}"),
                (self.changed, "with other values"),
            )
            if number
        ]
        where = f"{self.copy}, keys from {self.first or 'the beginning'} to "
        text = f"{where}{self.last or 'the end'}: " if self.first or self.last else self.copy + ": "
        text += ", ".join(found) or "the rows as a whole differ"
        text += f"; columns: {', '.join(self.columns)}" if self.columns else ""
        return text + (f"; first keys: {', '.join(self.keys)} " if self.keys else "")


@dataclass(frozen=True)
class Comparison:
    """One copy of a table, and what is compared of it.

    Attributes:
        table: The table.
        copy: Its name, for people.
        columns: The columns.
        key: The table's key; None: it has none whose text both servers write alike.
        source: MySQL.
        target: The copy.
        integral: Whether keys that only the copy has are a difference: landing keeps the rows that
            MySQL deletes.
    """

    table: TableName
    copy: str
    columns: tuple[Column, ...]
    key: RowKey | None
    source: Side
    target: Side
    integral: bool = True


@dataclass
class Rows:
    """Findings in the rows of a slice; keys are texts.

    Attributes:
        missing: Keys that only MySQL has.
        extra: Keys that only the copy has.
        changed: Keys that both have, with other values, or more than once.
        marks: Replication keys of what is missing or changed.
        back: How many of the changed have a lesser one in MySQL.
        fetched: Columns that differ, of those whose values are fetched.
    """

    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    back: int = 0
    fetched: set[str] = field(default_factory=set)


def by_value(text: str) -> tuple[int, int, str]:
    """A sort key: numbers by their value, other texts as they are."""
    return (0, int(text), "") if text.lstrip("-").isdecimal() else (1, 0, text)
