"""tidemark verify: do all stages hold the same rows?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from tidemark_core.errors import VerificationError
from tidemark_core.names import TableName

from tidemark.console import Format, FormatOption, TablesOption, console, make_table, print_json
from tidemark.project import Project
from tidemark.services.counts import StageCounts
from tidemark.services.deepverify import Difference
from tidemark.services.verify import verify_tables
from tidemark.tables import Sheet

_EXAMPLES = """Examples:

  tidemark verify

  tidemark verify -t partner_info -t settlement.billing_summary --format json

  tidemark verify -t partner_info --checksum"""
#: So many columns of a range are named.
_SHOWN = 5


def verify(
    table: TablesOption = None,
    checksum: Annotated[
        bool,
        typer.Option("--checksum", help="Compare the content too, column by column and by ranges."),
    ] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Count each table in MySQL, the lake, landing and public; exit 3 if they differ.

    Rows that `tidemark reconcile` has marked as deleted in MySQL are a figure of their own.
    """
    project = Project.load()
    check_tables(project, project.tables(table), format, checksum=checksum)


def check_tables(
    project: Project,
    tables: Sequence[TableName],
    format: Format | None,
    *,
    checksum: bool = False,
) -> None:
    """Verifies tables and prints what was found.

    Args:
        project: Where we are.
        tables: Which; empty: all of the lake.
        format: How to print; None: not at all.
        checksum: Whether to compare the content too.

    Raises:
        VerificationError: The stages differ.
    """
    found = verify_tables(project, tables, checksum=checksum)
    if format is Format.JSON:
        print_json(
            [
                asdict(v.counts)
                | {"differences": v.counts.differences(), "checksum": v.differences}
                for v in found
            ]
        )
    elif format is Format.TABLE:
        console().print(_render([v.counts for v in found]))
    wrong = [f"{v.counts.table}: {text}" for v in found for text in v.counts.differences()]
    for verified in found:
        wrong += [_describe(difference) for difference in verified.differences or ()]
    if wrong:
        raise VerificationError(
            "\n  ".join(["the stages differ:", *wrong]),
            hint="meltano run sync, then tidemark verify again; rows that committed later than "
            "BACKUP_LOOKBACK_SECONDS: tidemark watermark set -t TABLE --timestamp … and sync",
        )


def _describe(difference: Difference) -> str:
    start, end = difference.first or "the beginning", difference.last or "the end"
    keys = f"; first keys: {', '.join(difference.keys)}" if difference.keys else ""
    columns = "; ".join(difference.columns[:_SHOWN])
    return f"{difference.table}: keys from {start} to {end} differ{keys} ({columns})"


def _render(counts: list[StageCounts]) -> Sheet:
    stages = ["MySQL", "changed since", "Parquet", "landing", "public", "deleted"]
    rows = [
        (
            c.table,
            *(c.source, c.changed, c.lake, c.landing, c.public, c.deleted),
            "differs" if c.differences() else "agrees",
        )
        for c in counts
    ]
    return make_table("Rows a stage", ["table", *stages, ""], rows, right=",".join(stages))


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(epilog=_EXAMPLES)(verify)
