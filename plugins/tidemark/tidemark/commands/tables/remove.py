"""tidemark remove: a table is no longer copied."""

from __future__ import annotations

import typer

from tidemark.commands.options import CopiedTables, ExceptOption
from tidemark.commands.tables.editing import editing, make
from tidemark.config.project import Project
from tidemark.terminal.console import (
    Format,
    FormatOption,
    Panel,
    YesOption,
    console,
    print_json,
    teller,
)
from tidemark.terminal.table import make_table

_EXAMPLES = """Examples:

  tidemark remove crm.customer

  tidemark remove 'settlement.*' --yes"""


def remove(
    table: CopiedTables,
    left_out: ExceptOption = None,
    yes: YesOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Stop copying tables; existing copies are kept.

    Removes them from the select rules, the metadata, the names and the contracts. Refuses if views
    or tests in other files still read one of them. Together with the last table of the settlement
    example, everything built on it is removed.
    """
    from tidemark.services.tables.removal import plan_removal, what_stays

    project, tell = Project.load(), teller(format)
    with editing(project) as (files, reader):
        plan = plan_removal(project, files, table, left_out or [])
        names = ", ".join(map(str, plan.tables))
        more = ", and the example built on them" if plan.with_example else ""
        make(files, reader, tell, f"Stop copying {names}{more}", yes=yes)
    stays = what_stays(project, plan)
    following = [plan.to_set] if plan.to_set else []
    if format is Format.JSON:
        print_json(
            {
                "tables": {str(name): copy for name, copy in plan.tables.items()},
                "example": plan.with_example,
                "files": files.changes.paths,
                "stays": stays,
                "next": following,
            }
        )
        return
    rows = [(left.table, left.files, left.landing, left.public) for left in stays]
    heads = ["table", "lake", "loads", "used by"]
    console().print(make_table("No longer copied; existing copies are kept", heads, rows))
    tell(f"To delete the remaining data of {stays[0].table}, once it is no longer needed:")
    for line in stays[0].delete:
        tell(f"  {line}")
    for line in following:
        tell(f"Next: {line}")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EXAMPLES, rich_help_panel=Panel.TABLES)(remove)
