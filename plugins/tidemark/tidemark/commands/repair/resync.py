"""tidemark resync: repairs a table that is read from MySQL's log, after a gap in the log."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from tidemark.commands.options import TableOption
from tidemark.commands.run.legs import run_and_tell
from tidemark.config.project import Project
from tidemark.config.tables.selection import Options
from tidemark.runner.leases import hold_job
from tidemark.terminal.console import Format, FormatOption, Panel, print_json, teller
from tidemark.terminal.format import counted

if TYPE_CHECKING:
    from tidemark.services.verify.resync import Resync

_EXAMPLES = """Examples:

  tidemark resync -t partner_info --dry-run

  tidemark resync -t partner_info"""


def resync(
    table: TableOption,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the differences, without changing the bookmark.")
    ] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Repair a table with a gap in MySQL's binary log, without reading all of it again.

    First, the contents of the lake are loaded and built. Then all rows in MySQL are compared with
    the public table: rows that differ are read again, missing rows are deleted, and the table
    continues from where the log ended before. An interrupted run can be repeated. While `tidemark
    follow` is running, its next round reads the rows.
    """
    from tidemark.services.sync.plan import plan_load
    from tidemark.services.verify.resync import refuse_other_methods
    from tidemark.services.verify.resync import resync as compare
    from tidemark.services.verify.settled import (
        is_followed,
        is_read_by_follower,
        is_settled,
    )

    project = Project.load()
    name = project.table(table)
    refuse_other_methods(project, name)
    plan = plan_load(project, [name], Options())
    quiet = Format.TABLE if format is Format.TABLE else None
    legs = partial(run_and_tell, project, plan, quiet, log_file=None, debug=False, warehouse=True)
    held = partial(hold_job, project, f"tidemark resync, run {plan.run_id}")
    with held():
        if not dry_run and not is_settled(project, name):
            legs(backup=False)
        found = compare(project, name, write=not dry_run)
        _tell(found, format)
        followed = not dry_run and is_followed(project)
        if not dry_run and not followed:
            legs(backup=True)
    # Other tables wait while the lease is held, and a follower is quicker than we are.
    if followed and not is_read_by_follower(project, name):
        with held():
            legs(backup=True)
    if format is Format.JSON:
        print_json(found)


def _tell(found: Resync, format: Format) -> None:
    parts = (
        (found.missing, "missing in public"),
        (found.changed, "with other values"),
        (found.extra, "gone from MySQL"),
    )
    told = ", ".join(f"{counted(number, 'row')} {what}" for number, what in parts if number)
    teller(format)(f"{found.table}: {told or 'nothing differs'}; from {found.old} to {found.new}")


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(epilog=_EXAMPLES, rich_help_panel=Panel.REPAIR)(resync)
