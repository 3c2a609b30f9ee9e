"""The numbers of the report's charts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidemark_core.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.report import RunReport

from tidemark.services.activity import TableActivity, by_day, by_table
from tidemark.services.watermark import Watermark


@dataclass(frozen=True)
class Run:
    """One run: when, how long, how it ended, why it failed, and how often it tried again."""

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
        rows: Rows extracted a day.
        megabytes: The same in MB.
        tables: Storage by table.
        watermarks: Progress of each table.
        lag: Hours from each table's newest extraction to now.
        runs: Newest last.
    """

    now: datetime
    days: tuple[str, ...]
    rows: tuple[float, ...]
    megabytes: tuple[float, ...]
    tables: tuple[TableActivity, ...]
    watermarks: tuple[Watermark, ...]
    lag: tuple[tuple[str, float], ...]
    runs: tuple[Run, ...]


def facts(
    manifests: Mapping[TableName, Sequence[Manifest]],
    reports: Sequence[RunReport],
    watermarks: Sequence[Watermark],
    now: datetime,
    days: int,
) -> Facts:
    """Puts together what the page shows.

    Args:
        manifests: By table, oldest first.
        reports: Of the period.
        watermarks: Of every table.
        now: The bucket's time.
        days: Length of the period.
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
    )
