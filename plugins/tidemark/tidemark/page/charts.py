"""The numbers of the report's charts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.runs.run_report import RunReport

from tidemark.services.lake.activity import TableActivity, by_day, by_table
from tidemark.services.watermark.view import Watermark
from tidemark.terminal.format import counted


@dataclass(frozen=True)
class Run:
    """One run: when, how long, how it ended, why it failed, and how often it retried."""

    started: str
    seconds: float
    success: bool
    errors: tuple[str, ...]
    retries: int = 0


@dataclass(frozen=True)
class Facts:
    """What the page shows.

    Attributes:
        now: When it was made.
        days: Each UTC day of the period, days without activity included.
        rows: Rows extracted per day.
        megabytes: The same in MB.
        tables: Storage by table.
        watermarks: Progress of each table.
        lag: Hours from each table's newest extraction to now.
        runs: Newest last.
        place: Meltano's environment and the bucket.
        max_age_hours: A table that was extracted longer ago is late.
    """

    now: datetime
    days: tuple[str, ...]
    rows: tuple[float, ...]
    megabytes: tuple[float, ...]
    tables: tuple[TableActivity, ...]
    watermarks: tuple[Watermark, ...]
    lag: tuple[tuple[str, float], ...]
    runs: tuple[Run, ...]
    place: str = ""
    max_age_hours: int = 26


def facts(
    manifests: Mapping[TableName, Sequence[Manifest]],
    reports: Sequence[RunReport],
    watermarks: Sequence[Watermark],
    now: datetime,
    days: int,
    *,
    place: str = "",
    max_age_hours: int = 26,
) -> Facts:
    """Puts together what the page shows.

    Args:
        manifests: By table, oldest first.
        reports: Of the period.
        watermarks: Of every table.
        now: The bucket's time.
        days: Length of the period.
        place: Meltano's environment and the bucket.
        max_age_hours: A table that was extracted longer ago is late.
    """
    period = [(now - timedelta(days=back)).strftime("%Y-%m-%d") for back in range(days)][::-1]
    active = {day.day: day for day in by_day(manifests.values())}
    return Facts(
        now=now,
        days=tuple(period),
        rows=tuple(active[day].rows if day in active else 0 for day in period),
        megabytes=tuple(active[day].bytes / 1e6 if day in active else 0 for day in period),
        tables=tuple(by_table(manifests)),
        watermarks=tuple(watermarks),
        lag=tuple(
            (mark.table, (now - mark.last_extraction).total_seconds() / 3600)
            for mark in watermarks
            if mark.last_extraction
        ),
        runs=tuple(
            Run(run.started_at, run.seconds, run.success, tuple(run.errors), run.retries)
            for run in reports
        ),
        place=place,
        max_age_hours=max_age_hours,
    )


@dataclass(frozen=True)
class Verdict:
    """What the page says first.

    Attributes:
        level: ``good``, ``late`` or ``failed``.
        words: In one line.
        details: What is wrong, one line each.
    """

    level: str
    words: str
    details: tuple[str, ...] = ()


def verdict(facts: Facts) -> Verdict:
    """Whether all is well. Pure."""
    late = [
        f"{table}: {hours:,.0f} hours since its last extraction"
        for table, hours in facts.lag
        if hours > facts.max_age_hours
    ]
    last = facts.runs[-1] if facts.runs else None
    if last is not None and not last.success:
        why = "; ".join(last.errors) or "it was killed"
        return Verdict("failed", f"The last run failed ({_when(last)})", (why, *late))
    if late:
        return Verdict("late", f"{counted(len(late), 'table')} too old", tuple(late))
    if not facts.lag:
        return Verdict("late", "Nothing has been extracted yet", ("Next: meltano run sync",))
    oldest = max(hours for _, hours in facts.lag)
    words = f"All good: every table was extracted within the last {max(1, round(oldest)):,} h"
    return Verdict("good", words + (f"; the last run succeeded ({_when(last)})" if last else ""))


def _when(run: Run) -> str:
    return f"{run.started[:16].replace('T', ' ')} UTC"
