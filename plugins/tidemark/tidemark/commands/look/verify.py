"""tidemark verify: do all stages hold the same rows?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from tidemark_core.errors import LakeError, TidemarkError, VerificationError
from tidemark_core.names import TableName

from tidemark.commands.options import TablesOption
from tidemark.config.project import Project
from tidemark.services.verify.counts import StageCounts
from tidemark.terminal.console import Format, FormatOption, Panel, console, print_json
from tidemark.terminal.table import make_table

if TYPE_CHECKING:
    from tidemark.services.verify.verify import Verified

_EXAMPLES = """Examples:

  tidemark verify

  tidemark verify -t partner_info -t settlement.billing_summary --format json

  tidemark verify -t partner_info --checksum"""


def verify(
    table: TablesOption = None,
    checksum: Annotated[
        bool,
        typer.Option("--checksum", help="Compare the content, too, by key range and column."),
    ] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Compare row counts in MySQL, the lake, landing and public; exit 3 if they differ.

    Rows that `tidemark reconcile` has marked as deleted in MySQL are counted separately. Anything
    that could not be compared is listed; if a table could not be verified, the exit code is 1.
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
        LakeError: There is no table, so that nothing was compared.
        TidemarkError: A table could not be verified.
    """
    from tidemark.services.verify.verify import verify_tables

    found = verify_tables(project, tables, checksum=checksum)
    if format is Format.JSON:
        print_json([_plain(verified) for verified in found])
    elif format is Format.TABLE:
        _show(found, checksum=checksum)
    if not found:
        raise LakeError("nothing was compared: the lake has no tables", hint="meltano run sync")
    wrong = [text for verified in found for text in _wrong(verified)]
    failed = [f"{v.table}: {v.problem}" for v in found if v.problem is not None]
    if wrong:
        raise VerificationError(
            "\n  ".join(["the stages differ:", *wrong, *failed]),
            hint="follow the instructions on each line, then run tidemark verify again",
        )
    if failed:
        raise TidemarkError("\n  ".join(["not everything could be compared:", *failed]))


def _wrong(verified: Verified) -> list[str]:
    from tidemark.services.compare.content.late_rows import content_cure

    counts = verified.counts.differences() if verified.counts else []
    content = [str(difference) for difference in verified.differences or ()]
    cure = content_cure(verified.table, verified.differences or ())
    content += [cure] if cure else []
    return [f"{verified.table}: {text}" for text in [*counts, *content]]


def _plain(verified: Verified) -> dict[str, object]:
    counts = verified.counts
    told = {"table": verified.table} if counts is None else asdict(counts)
    return told | {
        "differences": counts.differences() if counts else [],
        "checksum": verified.differences,
        "not_compared": verified.not_compared,
        "problem": verified.problem,
        "verdict": verified.verdict,
    }


def _show(found: list[Verified], *, checksum: bool) -> None:
    stages = ["MySQL", "changed since", "Parquet", "landing", "public", "deleted"]
    title = "Rows by stage (Parquet and landing include every version of a row)"
    rows = [(v.table, *_figures(v.counts), v.verdict) for v in found]
    out = console()
    out.print(make_table(title, ["table", *stages, ""], rows, right=",".join(stages)))
    if not checksum:
        out.print("Only row counts were compared; --checksum compares the content.", markup=False)
        return
    left = [(v.table, one.what, one.why) for v in found for one in v.not_compared]
    if left:
        out.print(make_table("Not compared", ["table", "what", "why"], left, wrap="what,why"))


def _figures(counts: StageCounts | None) -> tuple[int | None, ...]:
    if counts is None:
        return (None,) * 6
    return (
        counts.source, counts.changed, counts.lake, counts.landing, counts.public, counts.deleted
    )  # fmt: skip


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(epilog=_EXAMPLES, rich_help_panel=Panel.LOOK)(verify)
