"""The options by which commands take tables, with what completes them in a shell."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def table_names(incomplete: str) -> list[str]:
    """What completes a table: those that the project's rules name."""
    from tidemark.config.environment import project_folder
    from tidemark.config.tables.selection import Rules

    tables = Rules.read(project_folder()).tables()
    names = [*(table.table for table in tables), *map(str, tables)]
    return [name for name in names if name.startswith(incomplete)]


_TABLE = ("--table", "-t", "--tables")
_COMPLETED: dict[str, Any] = {"metavar": "TABLE", "autocompletion": table_names}
_ONE = "The table, as schema.table or just table."
TablesOption = Annotated[
    list[str] | None,
    typer.Option(*_TABLE, help="Only this table (repeat for several); default: all.", **_COMPLETED),
]
TableOption = Annotated[str, typer.Option(*_TABLE, help=_ONE, **_COMPLETED)]
#: For commands that took the table without -t before they took it with it.
NamedOption = Annotated[str | None, typer.Option(*_TABLE, help=_ONE, **_COMPLETED)]
BareArgument = Annotated[str | None, typer.Argument(metavar="TABLE", hidden=True)]
#: For commands that take tables that need not be in the project yet.
WantedTables = Annotated[
    list[str], typer.Argument(metavar="TABLE", help="schema.table or a pattern: 'schema.*'.")
]
CopiedTables = Annotated[
    list[str],
    typer.Argument(
        metavar="TABLE",
        help="schema.table or a pattern: 'schema.*'.",
        autocompletion=table_names,
    ),
]
ExceptOption = Annotated[
    list[str] | None,
    typer.Option("--except", metavar="TABLE", help="Exclude these tables (repeatable)."),
]
