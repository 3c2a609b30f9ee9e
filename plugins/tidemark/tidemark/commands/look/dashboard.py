"""tidemark dashboard: status, watermarks and activity, as far as the terminal has room."""

from __future__ import annotations

import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from tidemark.config.project import Project
from tidemark.services.health.checks import Finding, Level, run_checks
from tidemark.services.lake.activity import DayActivity, bar, by_day
from tidemark.services.lake.listing import read_manifests
from tidemark.services.watermark.view import Watermark, read_watermarks
from tidemark.terminal.console import Format, FormatOption, Panel, at_least, console, print_json
from tidemark.terminal.format import counted, key_text, moment
from tidemark.terminal.table import Sheet, make_table

_WELL = "backed up; all loaded"


@dataclass(frozen=True)
class View:
    """What the dashboard shows: of each part, each table, and each of the last seven days."""

    status: Sequence[Finding]
    watermarks: Sequence[Watermark]
    days: Sequence[DayActivity]


def dashboard(
    every: Annotated[int, at_least(2, "--every", help="Refresh interval in seconds.")] = 30,
    once: Annotated[bool, typer.Option("--once", help="Print once and exit.")] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Show status, watermarks and activity, refreshed until Ctrl-C.

    It prints once with --format json, and if the output is not a terminal.
    """
    project = Project.load()
    if format is Format.JSON:
        print_json(_view(project))
        return
    if once or not sys.stdout.isatty():
        console().print(next(_forms(_view(project))))
        return
    out = console()

    def look() -> Group:
        told = f"{moment(datetime.now(UTC))} UTC; the next look is in {every} s; Ctrl-C ends it"
        head = Text(told, style="dim", no_wrap=True, overflow="ellipsis")
        return Group(head, fitting(_view(project), out.width, out.height - 1))

    with Live(look(), console=out, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(every)
            live.update(look(), refresh=True)


def _view(project: Project) -> View:
    from tidemark.services.health.status import checks

    marks, _ = read_watermarks(project)
    manifests = read_manifests(project.location, client=project.s3, broken=[])
    days = by_day(manifests.values())[-7:]
    return View(run_checks(checks(project)), list(marks.values()), days)


def fitting(view: View, width: int, height: int) -> Group:
    """The fullest form of the dashboard that fits into a terminal; the shortest if none does."""
    ruler = Console(width=width, height=height)
    options = ruler.options.update(height=None)
    forms = list(_forms(view))
    # None is longer than the one before it; drawing those of hundreds of tables takes seconds.
    place = bisect_left(forms, -height, key=lambda form: -len(ruler.render_lines(form, options)))
    return forms[min(place, len(forms) - 1)]


def _forms(view: View) -> Iterator[Group]:
    """From the fullest form to the shortest; tables that need attention are dropped last."""
    yield Group(_status(view.status), _progress(view.watermarks), _activity(view.days))
    short = _trouble(view.status)
    for days in (view.days, view.days[-3:]):
        yield Group(short, _progress(view.watermarks), _activity(days))
    yield Group(short, _progress(view.watermarks))
    first = sorted(view.watermarks, key=lambda mark: mark.status == _WELL)
    for kept in range(len(first) - 1, -1, -1):
        left = counted(len(first) - kept, "more table")
        yield Group(short, _progress(first[:kept]), Text(f"and {left}: tidemark watermark list"))


def _status(findings: Sequence[Finding], title: str = "Status") -> Sheet:
    rows = [(finding.part, finding.level, finding.message) for finding in findings]
    return make_table(title, ["part", "", "found"], rows, wrap="found")


def _trouble(findings: Sequence[Finding]) -> Sheet | Text:
    """The findings that are not OK, and how many are."""
    wrong = [finding for finding in findings if finding.level is not Level.OK]
    title = f"Status: {len(findings) - len(wrong)} of {counted(len(findings), 'check')} OK"
    return _status(wrong, title) if wrong else Text(f"{title}\n", style="bold")


def _progress(marks: Sequence[Watermark]) -> Sheet:
    return make_table(
        "Watermarks",
        ["table", "last data", "last extraction", "status"],
        [(m.table, key_text(m.last_data), m.last_extraction, m.status) for m in marks],
        wrap="status",
        spare="last extraction",
    )


def _activity(days: Sequence[DayActivity]) -> Sheet:
    most = max((day.rows for day in days), default=0)
    rows = [(day.day, day.rows, bar(day.rows, most)) for day in days]
    return make_table("Recent Activity, by day (UTC)", ["day", "rows", ""], rows, right="rows")


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(epilog="Example:\n\n  tidemark dashboard --once", rich_help_panel=Panel.LOOK)(
        dashboard
    )
