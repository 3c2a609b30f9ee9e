"""tidemark tables: what is copied, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from tidemark_core.types.singer_schema import LOG_BASED

from tidemark.commands.options import table_names
from tidemark.config.project import Project
from tidemark.terminal.console import Format, FormatOption, Panel, console, note, print_json
from tidemark.terminal.table import make_table

if TYPE_CHECKING:
    from tidemark.services.tables.listing import Listed

_EXAMPLES = """Examples:

  tidemark tables

  tidemark tables 'settlement.*' --format json"""


def tables(
    table: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TABLE", help="Only these tables; default: all.", autocompletion=table_names
        ),
    ] = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Show which tables are copied, how, since when, and how MySQL has changed since."""
    from tidemark.services.tables.listing import list_tables

    found = list_tables(Project.load(), table or ())
    if format is Format.JSON:
        print_json(found)
        return
    rows = [
        (
            one.table,
            _how(one),
            one.since,
            one.rows,
            one.name,
            "unknown" if one.differences is None else "; ".join(one.differences) or "nothing",
        )
        for one in found.tables
    ]
    heads = ["table", "is copied", "since", "rows", "in the warehouse", "changed in MySQL"]
    sheet = make_table(
        "Copied tables",
        heads,
        rows,
        right="rows",
        wrap="changed in MySQL",
        spare="in the warehouse,since",
    )
    console().print(sheet)
    for problem in found.problems:
        note(problem)
    if not found.tables:
        note("Nothing is copied yet. Next: tidemark add SCHEMA.TABLE")
    elif any(one.differences for one in found.tables):
        differing = " ".join(f"'{one.table}'" for one in found.tables if one.differences)
        note(f"Next: tidemark add {differing}")


def _how(one: Listed) -> str:
    kept = "" if one.hard_delete else ", deleted rows stay"
    if one.replication_method == LOG_BASED:
        return f"by the binary log{kept}"
    return f"by {one.replication_key}{kept}" if one.replication_key else "in full each time"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EXAMPLES, rich_help_panel=Panel.TABLES)(tables)
