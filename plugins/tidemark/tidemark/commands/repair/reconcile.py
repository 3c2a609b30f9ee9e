"""tidemark reconcile: which rows are gone from the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from tidemark_core.errors import VerificationError
from tidemark_core.names import TableName

from tidemark.commands.options import TablesOption
from tidemark.config.project import Project
from tidemark.runner.leases import hold_job
from tidemark.services.sync.meltano_run import new_run_id
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
from tidemark.terminal.format import counted
from tidemark.terminal.table import Sheet, make_table

if TYPE_CHECKING:
    from tidemark.services.compare.keys.tombstones import Marking
    from tidemark.services.verify.reconcile import Looked

_EXAMPLES = """Examples:

  tidemark reconcile -t partner_info --dry-run

  tidemark reconcile --yes"""


def reconcile(
    table: TablesOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be marked, without changing anything."),
    ] = False,
    yes: YesOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Mark rows of public tables that no longer exist in MySQL; report late rows.

    A mark is an entry in landing.tidemark_deletions; nothing else changes, and the rows stay in the
    public tables. If a contract keeps deleted rows, the next build sets deleted_at.
    In tables read from the binary log, the next load and build delete or mark the rows. If a row
    exists in MySQL again, its mark is removed. Rows that are missing from the public table,
    although the bookmark is beyond them, are reported with the command that fetches them (exit 3).
    """
    from tidemark.services.verify.reconcile import looked_at

    project, tell = Project.load(), teller(format)
    run_id = new_run_id()
    with looked_at(project, project.tables(table)) as found:
        for name, why in found.left_out.items():
            note(f"{name} is left out: {why}")
        if format is Format.TABLE:
            console().print(_render(found.markings))
        new = sum(marking.new for marking in found.markings)
        back = sum(marking.back for marking in found.markings)
        changes = bool(new or back) and not dry_run
        if changes:
            confirm("Change the marks?", yes=yes)
            with hold_job(project, f"tidemark reconcile, run {run_id}"):
                found.write(project, run_id)
            tell(f"{counted(new, 'row')} marked, {counted(back, 'mark')} removed.")
            for line in _following(project, found):
                tell(line)
        else:
            tell("Nothing was changed." if new or back else "Nothing to change.")
    if format is Format.JSON:
        print_json({"run_id": run_id, "changed": changes, "tables": found.markings,
                    "late": found.late, "left_out": found.left_out})  # fmt: skip
    if found.late:
        raise VerificationError(
            "\n  ".join(["public lacks rows:", *map(str, found.late)]),
            hint="follow the instructions on each line, then run tidemark verify",
        )


def _following(project: Project, found: Looked) -> Iterator[str]:
    """The commands that bring the public tables up to date with what was recorded."""
    by_log = {str(gone.table) for gone in found.by_log}
    for gone in found.by_log:
        marked = ", or marked there," if str(gone.table) in project.deleted_at else ""
        rows = counted(len(gone.texts), "row")
        leave = f"{gone.table}: {rows} will be deleted from public{marked} by"
        yield f"{leave} tidemark sync -t {gone.table} --redshift-only"
    for marking in found.markings:
        column = project.deleted_at.get(marking.table)
        if column is not None and marking.table not in by_log and (marking.new or marking.back):
            name = project.names.of(TableName.parse(marking.table))
            build = f"tidemark-dbt build --select {name}"
            yield f"{marking.table}: {column} in public will be updated by {build}"


def _render(markings: Sequence[Marking]) -> Sheet:
    rows = [
        (m.table, m.rows, m.deleted, m.new, m.back, ", ".join(m.first) or None) for m in markings
    ]
    heads = ["table", "public", "gone", "to mark", "to unmark", "first keys"]
    right = "public,gone,to mark,to unmark"
    return make_table(
        "Rows that no longer exist in MySQL", heads, rows, right=right, wrap="first keys"
    )


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(epilog=_EXAMPLES, rich_help_panel=Panel.REPAIR)(reconcile)
