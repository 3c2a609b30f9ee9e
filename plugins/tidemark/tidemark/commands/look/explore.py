"""tidemark explore, inspect and report: the lake for people."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.report_store import read_reports

from tidemark.commands.options import TablesOption
from tidemark.config.project import Project
from tidemark.config.settings import MonitorSettings, ViewSettings
from tidemark.page import charts
from tidemark.page.page import render
from tidemark.services.lake.activity import bar, by_day, by_table
from tidemark.services.lake.catalogue import bucket_time, require_known
from tidemark.services.lake.listing import list_objects, list_tables, read_manifests
from tidemark.services.lake.lost_files import lost_files
from tidemark.services.watermark.view import read_watermarks
from tidemark.terminal.console import (
    Format,
    FormatOption,
    Panel,
    at_least,
    console,
    note,
    print_json,
)
from tidemark.terminal.format import counted, key_text, size
from tidemark.terminal.table import make_table

if TYPE_CHECKING:
    from tidemark.services.lake.profile import Inspection

DaysOption = Annotated[int, at_least(1, "--days", help="The last N days.")]


def explore(table: TablesOption = None, format: FormatOption = Format.TABLE) -> None:
    """Show the lake's tables, files, sizes, time ranges, and daily activity."""
    project = Project.load()
    wanted, broken = project.tables(table), list[LakeError]()
    objects, _ = list_objects(project.location, wanted, client=project.s3)
    manifests = read_manifests(project.location, wanted, client=project.s3, broken=broken)
    lost = lost_files(project, objects, manifests)
    if not broken and not manifests.keys() >= set(wanted):
        require_known(wanted, list_tables(project.location, client=project.s3))
    for error in broken:
        note(str(error))
    for name, files in lost.items():
        note(f"{name}: {counted(len(files), 'file')} gone: tidemark verify -t {name}")
    tables, days = by_table(manifests), by_day(manifests.values())
    if format is Format.JSON:
        print_json({"tables": tables, "days": days})
        return
    heads = ["table", "commits", "files", "rows", "size", "first", "last", "up to"]
    rows = [
        (t.table, t.commits, t.files, t.rows, size(t.bytes), t.first, t.last, key_text(t.bookmark))
        for t in tables
    ]
    console().print(
        make_table(
            f"s3://{project.bucket}", heads, rows, right="commits,files,rows,size", spare="first"
        )
    )
    most = max((day.rows for day in days), default=0)
    console().print(
        make_table(
            "By day (UTC)",
            ["day", "commits", "rows", "size", ""],
            [(d.day, d.commits, d.rows, size(d.bytes), bar(d.rows, most)) for d in days],
            right="commits,rows,size",
        )
    )


def inspect(
    table: TablesOption = None,
    rows: Annotated[int, at_least(0, "--rows", help="Number of sample rows to show.")] = 3,
    files: Annotated[int, at_least(1, "--files", help="Number of newest files to read.")] = 20,
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show the columns in MASK_COLUMNS unmasked.")
    ] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Show a table's schema, a sample, NULLs and extremes of each column, and possible problems."""
    from tidemark.services.lake.profile import inspect as look_into
    from tidemark.services.lake.profile import masked

    project = Project.load()
    known = list_tables(project.location, client=project.s3)
    wanted = project.tables(table)
    require_known(wanted, known)
    patterns = [] if unmask else project.read(ViewSettings).mask_columns
    found = []
    for name in wanted or known:
        manifests = read_manifests(project.location, [name], client=project.s3)
        look = look_into(project, manifests[name], sample_rows=rows, newest_files=files)
        found.append(masked(look, patterns))
        if format is Format.TABLE:
            _show_inspection(found[-1])
    if format is Format.JSON:
        # A single named table is one object, as it was before several could be named.
        print_json(found[0] if len(wanted) == 1 else found)


def _show_inspection(found: Inspection) -> None:
    out = console()
    heads = ["column", "type", "nulls", "distinct*", "least", "greatest"]
    cells = [(c.column, c.type, c.nulls, c.distinct, c.minimum, c.maximum) for c in found.columns]
    amount = f"{counted(found.rows, 'row')} in {counted(found.files, 'file')}"
    title = f"{found.table}: {amount}, key {', '.join(found.key) or 'none'}"
    out.print(make_table(title, heads, cells, right="nulls,distinct*", wrap="least,greatest"))
    shape = f"{counted(found.rows, 'row')}, {counted(len(found.columns), 'column')}"
    out.print(f"Data Shape: {shape}", markup=False)
    out.print(f"* in the first {counted(found.sampled, 'row')} of the newest file", markup=False)
    for number, row in enumerate(found.sample, 1):
        values = [(name, None if value is None else str(value)) for name, value in row.items()]
        out.print(make_table(f"Row {number}", ["column", "value"], values, wrap="value"))
    findings = [(finding,) for finding in found.findings]
    out.print(make_table("Possible problems", ["finding"], findings, wrap="finding"))


def report(
    html: Annotated[
        Path, typer.Option("--html", metavar="FILE", help="File to write the page to.")
    ],
    days: DaysOption = 30,
) -> None:
    """Write a self-contained page with charts of the last days, for people without a terminal."""
    project = Project.load()
    if html.is_dir():
        raise ConfigError(f"{html} is a folder", hint=f"--html {html}/report.html")
    now = bucket_time(project)
    broken: list[LakeError] = []
    manifests = read_manifests(project.location, client=project.s3, broken=broken)
    for error in broken:
        note(str(error))
    runs = read_reports(project.location, (now - timedelta(days=days)).date(), now.date())
    marks, _ = read_watermarks(project)
    hours = project.read(MonitorSettings).status_max_age_hours
    place = f"{project.environment}, s3://{project.bucket}"
    facts = charts.facts(
        manifests, runs, list(marks.values()), now, days, place=place, max_age_hours=hours
    )
    html.write_text(render(facts), encoding="utf-8")
    console().print(f"Written: {html}", markup=False)


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command(
        epilog="Example:\n\n  tidemark explore",
        rich_help_panel=Panel.LOOK,
    )(explore)
    app.command(
        epilog="Example:\n\n  tidemark inspect -t partner_info --rows 0", rich_help_panel=Panel.LOOK
    )(inspect)
    app.command(
        epilog="Example:\n\n  tidemark report --html report.html", rich_help_panel=Panel.LOOK
    )(report)
