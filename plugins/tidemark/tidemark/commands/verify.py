"""tidemark verify: do all stages hold the same rows?"""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from tidemark_core.errors import VerificationError
from tidemark_core.names import TableName

from tidemark.environment import load_environment
from tidemark.services.counts import StageCounts
from tidemark.services.verify import count_stages

_EXAMPLES = """Examples:

  tidemark verify

  tidemark verify -t partner_info -t settlement.billing_summary --format json"""


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


def verify(
    table: Annotated[
        list[str] | None,
        typer.Option("--table", "-t", help="Only this table (repeat for several); default: all."),
    ] = None,
    format: Annotated[
        Format, typer.Option("--format", help="For people or for programs.")
    ] = Format.TABLE,
) -> None:
    """Count each table in MySQL, the lake, landing and public; exit 3 if they differ."""
    environ = load_environment()
    default = environ.get("DB_DATABASE", "")
    wanted = [TableName.parse(text, default) for text in table or []]
    counts = count_stages(environ, wanted)
    if format is Format.JSON:
        typer.echo(
            json.dumps([asdict(c) | {"differences": c.differences()} for c in counts], indent=2)
        )
    else:
        Console().print(_render(counts))
    wrong = [f"{c.table}: {text}" for c in counts for text in c.differences()]
    if wrong:
        raise VerificationError(
            "\n  ".join(["the stages differ:", *wrong]),
            hint="meltano run sync, then tidemark verify again",
        )


def _render(counts: list[StageCounts]) -> Table:
    result = Table(title="Rows a stage", title_justify="left", title_style="bold")
    result.add_column("table")
    for stage in ("MySQL", "changed since", "Parquet", "landing", "public"):
        result.add_column(stage, justify="right")
    result.add_column("")
    for c in counts:
        numbers = (c.source, c.changed, c.lake, c.landing, c.public)
        cells = ["-" if number is None else f"{number:,}" for number in numbers]
        result.add_row(c.table, *cells, "[red]differs[/red]" if c.differences() else "agrees")
    return result


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(epilog=_EXAMPLES)(verify)
