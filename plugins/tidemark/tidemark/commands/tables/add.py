"""tidemark add: from now on a table is copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from tidemark_core.errors import ConfigError

from tidemark.commands.options import ExceptOption, WantedTables
from tidemark.commands.tables.editing import editing, make
from tidemark.config.project import Project
from tidemark.terminal.console import (
    Format,
    FormatOption,
    Panel,
    YesOption,
    console,
    note,
    print_json,
    teller,
)
from tidemark.terminal.format import counted
from tidemark.terminal.table import make_table

if TYPE_CHECKING:
    from tidemark.services.tables.addition import Added, Addition

_EXAMPLES = """Examples:

  tidemark add crm.customer

  tidemark add 'crm.*' --except 'crm.tmp_*' --yes

  tidemark add crm.access_log --append-only

  tidemark add crm.customer --log-based --soft-delete"""


def add(
    table: WantedTables,
    left_out: ExceptOption = None,
    replication_key: Annotated[
        str | None,
        typer.Option(
            "--replication-key",
            metavar="COLUMN",
            help="Copy the rows in which this column has increased.",
        ),
    ] = None,
    append_only: Annotated[
        bool,
        typer.Option(
            "--append-only", help="Rows are only ever added: copy by the AUTO_INCREMENT key."
        ),
    ] = False,
    full_table: Annotated[
        bool, typer.Option("--full-table", help="Copy the whole table on every run.")
    ] = False,
    log_based: Annotated[
        bool,
        typer.Option("--log-based", help="Copy the rows that changed according to the binary log."),
    ] = False,
    hard_delete: Annotated[
        bool | None,
        typer.Option(
            "--hard-delete/--soft-delete",
            help="Delete rows from the public table when MySQL deletes them, or keep and mark "
            "them. Default: unchanged; for new tables, HARD_DELETE.",
            show_default=False,
        ),
    ] = None,
    yes: YesOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Start copying tables, or update their contracts after changes in MySQL.

    Inspects the tables in MySQL, proposes how to copy them, shows the changes to the project's
    files, and asks for confirmation. A table that is already copied gets its new columns and types;
    manual edits in its contract are kept.
    """
    from tidemark.services.tables.addition import plan_addition
    from tidemark.services.tables.method import Wish

    if sum((replication_key is not None, append_only, full_table, log_based)) > 1:
        raise ConfigError(
            "choose one of --replication-key, --append-only, --full-table and --log-based"
        )
    project, tell = Project.load(), teller(format)
    with editing(project) as (files, reader):
        wish = Wish(replication_key, full_table, append_only, log_based)
        plan = plan_addition(project, files, table, left_out or [], wish, hard_delete=hard_delete)
        if format is Format.TABLE:
            _show(plan)
        for error in plan.refused:
            note(f"Refused: {error}")
        what = counted(len(plan.added), "table")
        made = make(files, reader, tell, f"Copy {what} like this", yes=yes)
    following = _following(plan, made=made)
    if format is Format.JSON:
        print_json(
            {
                "tables": [_as_json(one) for one in plan.added],
                "refused": [
                    {"table": error.table, "message": error.message, "next": error.hint}
                    for error in plan.refused
                ],
                "files": files.changes.paths,
                "next": following,
            }
        )
    elif not made:
        tell("The project already says all of this: nothing was changed.")
    for line in following if format is Format.TABLE else ():
        tell(f"Next: {line}")
    if plan.refused:
        raise typer.Exit(max(error.exit_code for error in plan.refused))


def _show(plan: Addition) -> None:
    """Shows what is proposed, with remarks to read before agreeing to it."""
    rows = [
        (
            one.table,
            str(one.method) + ("" if one.hard_delete else ", deleted rows stay"),
            one.method.why,
            one.name,
            "new" if one.is_new else "; ".join(one.difference.told()) or None,
        )
        for one in plan.added
    ]
    heads = ["table", "is copied", "because", "in the warehouse", "change"]
    wrap = "because,change"
    out = console()
    out.print(make_table("Tables", heads, rows, wrap=wrap, spare="in the warehouse"))
    told = [(one.table, remark.text, remark.hint) for one in plan.added for remark in one.remarks]
    if told:
        out.print(make_table("Remarks", ["table", "what", "next"], told, wrap="what,next"))


def _following(plan: Addition, *, made: bool) -> list[str]:
    """What to type next."""
    found = [plan.to_set] if plan.to_set else []
    found += [line for one in plan.added for line in one.after]
    return [*found, "meltano run sync"] if made or found else found


def _as_json(one: Added) -> dict[str, object]:
    return {
        "table": str(one.table),
        "name": one.name,
        "replication_method": one.method.name,
        "replication_key": one.method.key,
        "why": one.method.why,
        "hard_delete": one.hard_delete,
        "new": one.is_new,
        "changes": one.difference.told(),
        "remarks": one.remarks,
    }


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EXAMPLES, rich_help_panel=Panel.TABLES)(add)
