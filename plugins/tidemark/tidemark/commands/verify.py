"""tidemark verify: do all stages hold the same rows?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.table import Table
from tidemark_core.errors import VerificationError
from tidemark_core.names import TableName

from tidemark.console import Format, FormatOption, TablesOption, console, make_table, print_json
from tidemark.project import Project
from tidemark.services.counts import StageCounts
from tidemark.services.verify import count_stages

_EXAMPLES = """Examples:

  tidemark verify

  tidemark verify -t partner_info -t settlement.billing_summary --format json"""


def verify(table: TablesOption = None, format: FormatOption = Format.TABLE) -> None:
    """Count each table in MySQL, the lake, landing and public; exit 3 if they differ."""
    project = Project.load()
    check_tables(project, project.tables(table), format)


def check_tables(project: Project, tables: Sequence[TableName], format: Format | None) -> None:
    """Counts tables at every stage and prints it.

    Args:
        project: Where we are.
        tables: Which; empty: all of the lake.
        format: How to print; None: not at all.

    Raises:
        VerificationError: The stages differ.
    """
    counts = count_stages(project.environ, tables)
    if format is Format.JSON:
        print_json([asdict(c) | {"differences": c.differences()} for c in counts])
    elif format is Format.TABLE:
        console().print(_render(counts))
    wrong = [f"{c.table}: {text}" for c in counts for text in c.differences()]
    if wrong:
        raise VerificationError(
            "\n  ".join(["the stages differ:", *wrong]),
            hint="meltano run sync, then tidemark verify again",
        )


def _render(counts: list[StageCounts]) -> Table:
    stages = ["MySQL", "changed since", "Parquet", "landing", "public"]
    rows = [
        (
            c.table,
            *(c.source, c.changed, c.lake, c.landing, c.public),
            "differs" if c.differences() else "agrees",
        )
        for c in counts
    ]
    return make_table("Rows a stage", ["table", *stages, ""], rows, right=",".join(stages))


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(epilog=_EXAMPLES)(verify)
