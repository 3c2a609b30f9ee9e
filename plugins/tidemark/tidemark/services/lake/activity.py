"""What the lake's manifests say of its tables, by table and by day. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tap_mysql.values.bookmark_facts import reached
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName


@dataclass(frozen=True)
class TableActivity:
    """A table of the lake.

    Attributes:
        table: ``schema.table``.
        commits: Manifests.
        files: Files in them.
        rows: Rows in them, every version of a row counted.
        bytes: Their size.
        first: Oldest extraction.
        last: Newest extraction.
        bookmark: Replication key that the newest commit has reached.
    """

    table: str
    commits: int
    files: int
    rows: int
    bytes: int
    first: datetime
    last: datetime
    bookmark: str | int | None


@dataclass(frozen=True)
class DayActivity:
    """What was extracted on one UTC day."""

    day: str
    commits: int
    rows: int
    bytes: int


def by_table(manifests: Mapping[TableName, Sequence[Manifest]]) -> list[TableActivity]:
    """Each table's activity; manifests are oldest first."""
    return [
        TableActivity(
            table=str(table),
            commits=len(commits),
            files=sum(len(m.files) for m in commits),
            rows=sum(m.rows for m in commits),
            bytes=sum(m.size for m in commits),
            first=commits[0].extracted_at,
            last=commits[-1].extracted_at,
            bookmark=reached(commits[-1].bookmark),
        )
        for table, commits in sorted(manifests.items())
        if commits
    ]


def by_day(manifests: Iterable[Sequence[Manifest]]) -> list[DayActivity]:
    """What was extracted on each day, oldest first; days without any are left out."""
    days: dict[str, list[Manifest]] = defaultdict(list)
    for commits in manifests:
        for manifest in commits:
            days[manifest.extracted_at.strftime("%Y-%m-%d")].append(manifest)
    return [
        DayActivity(day, len(found), sum(m.rows for m in found), sum(m.size for m in found))
        for day, found in sorted(days.items())
    ]


def bar(value: float, greatest: float, width: int = 30) -> str:
    """A bar for the terminal, in eighths of a character."""
    if greatest <= 0 or value <= 0:
        return ""
    eighths = max(1, round(value / greatest * width * 8))
    return "█" * (eighths // 8) + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
