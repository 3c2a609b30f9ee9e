"""tidemark watermark: how far each table has come, and setting it by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from tap_mysql.values.bookmark_facts import place_of
from tidemark_core.errors import ConfigError, TidemarkError

from tidemark.commands.options import TableOption, TablesOption
from tidemark.config.project import Project
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.watermark.view import Watermark, read_watermarks
from tidemark.terminal.app import App
from tidemark.terminal.console import (
    Format,
    FormatOption,
    Panel,
    YesOption,
    confirm,
    console,
    note,
    print_json,
    teller,
)
from tidemark.terminal.format import key_text
from tidemark.terminal.table import Sheet, make_table

if TYPE_CHECKING:
    from tidemark.services.watermark.change import Change

app = App(
    help="Show how far each table has progressed, and set it by hand.",
    epilog="Examples:\n\n  tidemark watermark list\n\n"
    "  tidemark watermark reset -t partner_info --leg load",
    no_args_is_help=True,
)


@app.command("list", epilog="Example:\n\n  tidemark watermark list")
def list_watermarks(format: FormatOption = Format.TABLE) -> None:
    """Show both legs of every table in one view."""
    _show(Project.load(), None, format)


@app.command("get", epilog="Example:\n\n  tidemark watermark get -t partner_info")
def get(table: TablesOption = None, format: FormatOption = Format.TABLE) -> None:
    """Show both legs of a table in one view."""
    _show(Project.load(), table, format)


@app.command(
    "set",
    epilog="Examples:\n\n"
    "  tidemark watermark set -t partner_info --timestamp '2025-08-01 00:00:00' --yes\n\n"
    "  tidemark watermark set -t delivery_status --id 100 --yes\n\n"
    "  tidemark watermark set -t partner_info --position binlog.000012:4711 --yes",
)
def set_(
    table: TableOption,
    timestamp: Annotated[
        str | None,
        typer.Option(
            "--timestamp", metavar="'YYYY-MM-DD HH:MM:SS'", help="For timestamp keys (UTC)."
        ),
    ] = None,
    number: Annotated[
        int | None, typer.Option("--id", metavar="N", help="For numeric keys.")
    ] = None,
    position: Annotated[
        str | None,
        typer.Option(
            "--position", metavar="FILE:OFFSET", help="For tables read from MySQL's binary log."
        ),
    ] = None,
    yes: YesOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Set where the next extraction starts, and which files of the lake are checked again.

    The next backup reads the rows from that time on. `sync --redshift-only` checks the lake's files
    from that time on again; files in the warehouse's ledger are not loaded twice.
    """
    from tidemark.services.watermark.change import plan_set, plan_set_position

    if sum(value is not None for value in (timestamp, number, position)) != 1:
        raise ConfigError("give one of --timestamp, --id or --position")
    project = Project.load()
    name = project.table(table)
    if position is not None:
        changes = plan_set_position(project, name, position)
    else:
        changes = plan_set(project, name, timestamp, number)
    _apply(project, changes, yes, format)


@app.command("reset", epilog="Example:\n\n  tidemark watermark reset -t partner_info --yes")
def reset(
    table: TableOption,
    leg: Annotated[Leg | None, typer.Option("--leg", help="Only this leg; default: both.")] = None,
    yes: YesOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Reset a table's progress: the next backup reads all of it.

    The next load checks all files of the lake; files in the ledger are not loaded twice.
    """
    from tidemark.services.watermark.change import plan_reset

    project = Project.load()
    legs = [leg] if leg else list(Leg)
    _apply(project, plan_reset(project, project.table(table), legs), yes, format)


def _apply(project: Project, changes: list[Change], yes: bool, format: Format) -> None:
    tell = teller(format)
    for change in changes:
        tell(str(change))
    confirm("Change it?", yes=yes)
    states = States(project)
    copies = []
    for change in changes:
        copied = states.change(change.leg, change.table, change.bookmark)
        copies.append(f"s3://{project.bucket}/{copied}" if copied else None)
        if copied:
            tell(f"The previous state was saved to {copies[-1]}")
    table = changes[0].table
    mark = place_of(states.bookmarks(Leg.BACKUP).get(table.stream))
    tell(f"{table}: the next backup starts at {mark or 'the beginning'}.")
    if format is Format.JSON:
        told = [
            {"leg": change.leg, "old": change.old, "new": change.new, "state_before": copy}
            for change, copy in zip(changes, copies, strict=True)
        ]
        print_json({"table": str(table), "changes": told, "next_backup_from": mark})


def _show(project: Project, texts: list[str] | None, format: Format) -> None:
    wanted = project.tables(texts)
    found, problems = read_watermarks(project, wanted)
    for table in wanted:
        mark = found[table]
        if mark.last_data is None and not mark.files_extracted:
            _require_in_source(project, mark)
    if format is Format.JSON:
        print_json([asdict(mark) for mark in found.values()])
    elif len(wanted) == 1:
        console().print(
            make_table(str(wanted[0]), ["", "value"], _labelled(found[wanted[0]]), wrap="value")
        )
    else:
        console().print(sheet(list(found.values())))
    for problem in problems:
        note(problem[0].upper() + problem[1:])


def sheet(marks: Sequence[Watermark]) -> Sheet:
    """One line per table; what is left out for lack of room is in the status as well."""
    heads = ["table", "last data", "last extraction", "from", "rows loaded", "files loaded"]
    rows = [
        (
            mark.table,
            key_text(mark.last_data),
            mark.last_extraction,
            mark.strategy,
            _share(mark.rows_loaded, mark.rows_extracted),
            _share(mark.files_loaded, mark.files_extracted),
            mark.files_waiting,
            mark.status,
        )
        for mark in marks
    ]
    return make_table(
        "Watermarks",
        [*heads, "waiting", "status"],
        rows,
        right="rows loaded,files loaded,waiting",
        wrap="status",
        spare="from,files loaded,waiting",
    )


def _share(loaded: int | None, extracted: int) -> str:
    """How much is loaded, and of how much, unless that is all."""
    if loaded is None:
        return f"? of {extracted:,}"
    return f"{loaded:,}" if loaded >= extracted else f"{loaded:,} of {extracted:,}"


def _labelled(mark: Watermark) -> list[tuple[str, object]]:
    return [(name.replace("_", " "), value) for name, value in _readable(mark).items()]


def _readable(mark: Watermark) -> dict[str, object]:
    return asdict(mark) | {"last_data": key_text(mark.last_data)}


def _require_in_source(project: Project, mark: Watermark) -> None:
    """Checks that MySQL has a table of which there is no trace: it may be new, or a typo."""
    from tidemark.source.mysql import open_mysql
    from tidemark.source.queries import table_exists

    table = project.table(mark.table)
    try:
        with open_mysql(project.mysql) as mysql:
            known = table_exists(mysql, table)
    except TidemarkError as error:
        note(f"Could not check in MySQL whether {table} exists: {error.message}")
        return
    if not known:
        raise ConfigError(
            "no such table in the lake or in MySQL", table=table,
            hint="tidemark watermark list",
        )  # fmt: skip


def register(root: typer.Typer) -> None:
    """Adds the commands to the application."""
    root.add_typer(app, name="watermark", rich_help_panel=Panel.REPAIR)
