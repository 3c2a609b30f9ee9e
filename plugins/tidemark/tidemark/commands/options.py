"""The options and arguments that name tables, with their shell completion."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def table_names(incomplete: str) -> list[str]:
    """The completions of a table's name: the tables that the project's rules name."""
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
#: For commands that at first took the table only without -t.
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
