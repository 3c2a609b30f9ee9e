"""The report as one self-contained page: no script, no font, no request. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from tidemark.page.charts import Facts, Run, verdict
from tidemark.page.svg import columns, number, rows
from tidemark.terminal.format import counted, key_text, moment, size

#: Most failures that are shown.
_FAILURES = 10


def render(facts: Facts) -> str:
    """Writes the page."""
    failed = [run for run in facts.runs if not run.success]
    shown = failed[-_FAILURES:]
    return _template().render(
        name=f"Tidemark report: {facts.place}" if facts.place else "Tidemark report",
        summary=_summary(facts, len(failed)),
        verdict=verdict(facts),
        facts=facts,
        charts={name: Markup(chart) for name, chart in _charts(facts).items()},  # noqa: S704
        failures=[
            (datetime.fromisoformat(run.started), "; ".join(run.errors) or "killed")
            for run in reversed(shown)
        ],
        earlier=len(failed) - len(shown),
        watermarks=_watermarks(facts),
    )


@cache
def _template() -> Template:
    folder = FileSystemLoader(Path(__file__).parent)
    pages = Environment(loader=folder, autoescape=True, undefined=StrictUndefined)
    pages.filters["shown"] = _shown
    return pages.get_template("report.html.j2")


def _summary(facts: Facts, failures: int) -> str:
    total = size(sum(table.bytes for table in facts.tables))
    return (
        f"{moment(facts.now)} UTC. {counted(len(facts.tables), 'table')}, {total} in the lake, "
        f"{counted(len(facts.runs), 'run')} and {counted(failures, 'failure')} "
        f"in {counted(len(facts.days), 'day')}, "
        f"{counted(sum(run.retries for run in facts.runs), 'step')} retried."
    )


def _charts(facts: Facts) -> dict[str, str]:
    """The charts by name, escaped; empty text for one that has nothing to show."""
    return {
        "rows": _days(facts.days, facts.rows, title="Rows extracted per day"),
        "megabytes": _days(facts.days, facts.megabytes, title="Megabytes per day"),
        "runs": _runs(facts.runs),
        "ages": _ages(facts),
        "storage": _storage(facts),
    }


def _days(days: Sequence[str], values: Sequence[float], *, title: str) -> str:
    return columns([day[5:] for day in days], values, title=title) if any(values) else ""


def _runs(runs: Sequence[Run]) -> str:
    if not runs:
        return ""
    return columns(
        [run.started[5:16].replace("T", " ") for run in runs],
        [run.seconds for run in runs],
        title="Seconds of each run, failures in red",
        bad=[not run.success for run in runs],
    )


def _ages(facts: Facts) -> str:
    if not facts.lag:
        return ""
    return rows(
        [table for table, _ in facts.lag],
        [hours for _, hours in facts.lag],
        [_age(hours) for _, hours in facts.lag],
        title="Hours since the newest extraction, by table",
        full=facts.max_age_hours,
    )


def _storage(facts: Facts) -> str:
    if not facts.tables:
        return ""
    return rows(
        [table.table for table in facts.tables],
        [table.bytes for table in facts.tables],
        [size(table.bytes) for table in facts.tables],
        title="Size in the lake, by table",
    )


def _watermarks(facts: Facts) -> list[tuple[object, ...]]:
    return [
        (
            mark.table,
            key_text(mark.last_data) or "-",
            mark.last_extraction,
            mark.rows_extracted,
            mark.files_extracted,
            mark.files_waiting,
            mark.status,
        )
        for mark in facts.watermarks
    ]


def _age(hours: float) -> str:
    return f"{hours * 60:.0f} min" if hours < 1 else f"{number(hours)} h"


def _shown(value: object) -> str:
    """A cell's value as people read it."""
    if isinstance(value, int):
        return number(value)
    if isinstance(value, datetime):
        return moment(value)
    return "-" if value is None else str(value)
