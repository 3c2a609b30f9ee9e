"""What leading databases through the pipeline has shown, and how it is told."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from anydb.generate.model import Table

#: An error that names a table and yet is nobody's refusal.
_FAULTS = re.compile(
    r"unexpected \w+|Traceback|again and again|consecutive attempts|report this"
    r"|that does not fit it|Errno"
)


@dataclass
class Outcome:
    """What a batch has shown.

    Attributes:
        counts: Databases, tables, rows and values that were compared.
        changed: Values that are others than the server's, by documented reason.
        refused: Tables that were refused by name, by the kind of reason.
        wrong: What is wrong, a text for each table, with the SQL that makes it.
    """

    counts: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        for name in ("counts", "changed", "refused", "wrong"):
            mine = getattr(self, name)
            mine += getattr(other, name)

    def to_dict(self) -> dict[str, Any]:
        return {
            "counts": dict(self.counts),
            "changed": dict(self.changed),
            "refused": dict(self.refused.most_common()),
            "wrong": self.wrong,
        }


def is_fault(error: str) -> bool:
    """Whether an error that names a table is no refusal, but a fault of the code."""
    return _FAULTS.search(error) is not None


def kind_of(error: str) -> str:
    """An error without what is a table's own."""
    text = re.split(r" \[(?:table|column|key) ", error, maxsplit=1)[0].splitlines()[0]
    text = re.sub(r"^error: |^.*?ERROR\s+\S*\s*", "", text)
    text = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "…", text)
    return re.sub(r"\d+", "#", text)[:100]


def concerns(statement: str, table: Table) -> bool:
    """Whether a statement makes a table what it is: its own, and those of sessions."""
    quoted = "`" + table.name.replace("`", "``") + "`"
    return quoted in statement or statement.startswith(("SET SESSION", "CREATE DATABASE"))
