"""tidemark status and tidemark doctor: is all well, and what is wrong?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from tidemark_core.errors import TidemarkError

from tidemark.config.project import Project
from tidemark.services.health.checks import Check, Finding, Level, run_checks, worst
from tidemark.terminal.console import Format, FormatOption, Panel, console, print_json
from tidemark.terminal.table import make_table

StrictOption = Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings, too.")]


def status(format: FormatOption = Format.TABLE, strict: StrictOption = False) -> None:
    """Check the health of every part; exit 1 on errors, for monitoring."""
    from tidemark.services.health.status import checks as health_checks

    try:
        project = Project.load()
    except TidemarkError as error:
        # A monitor reads what is printed, and an empty answer would look like a good one.
        print_findings("Status", [Finding.of_error("settings", error)], format)
        raise
    _report("Status", health_checks(project), format, strict)


def doctor(format: FormatOption = Format.TABLE, strict: StrictOption = False) -> None:
    """Check for common problems and missing permissions: files, keys, indexes, clocks."""
    from tidemark.services.health.doctor import checks as doctor_checks

    _report("Doctor", doctor_checks(Project.load()), format, strict)


def _report(title: str, checks: dict[str, Check], format: Format, strict: bool) -> None:
    findings = run_checks(checks)
    print_findings(title, findings, format)
    level = worst(findings)
    if level is Level.ERROR or (strict and level is Level.WARN):
        raise typer.Exit(1)


def print_findings(title: str, findings: Sequence[Finding], format: Format) -> None:
    """Prints findings, each with what to do; a cause that several share is shown once."""
    if format is Format.JSON:
        print_json({"status": worst(findings), "findings": findings})
        return
    rows, first = list[tuple[str, ...]](), dict[str, str]()
    todo: dict[str, list[str]] = {}
    for finding in findings:
        message = finding.message
        if finding.level is Level.ERROR and message in first:
            message = f"the same as {first[message]}"
        first.setdefault(finding.message, finding.part)
        rows.append((finding.part, finding.level, message))
        if finding.hint and finding.level is not Level.OK:
            todo.setdefault(finding.hint, []).append(finding.part)
    console().print(make_table(title, ["part", "", "found"], rows, wrap="found"))
    if todo:
        steps = [(", ".join(dict.fromkeys(parts)), hint) for hint, parts in todo.items()]
        console().print(make_table("What to do", ["part", "next"], steps, wrap="part,next"))


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command(epilog="Example:\n\n  tidemark status --format json", rich_help_panel=Panel.LOOK)(
        status
    )
    app.command(
        epilog="Example:\n\n  tidemark doctor",
        rich_help_panel=Panel.LOOK,
    )(doctor)
