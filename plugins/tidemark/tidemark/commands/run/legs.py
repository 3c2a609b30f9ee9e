"""The legs of `tidemark backup` and `tidemark sync`: what they print, meanwhile and at the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from tidemark_core.names import TableName
from tidemark_core.runs.progress import is_watched
from tidemark_core.runs.progress_bars import Bars

from tidemark.config.invocation import current, open_log
from tidemark.config.project import Project
from tidemark.config.tables.selection import models
from tidemark.services.sync.meltano_run import ENDED, Outcome
from tidemark.services.sync.progress import readable, watcher
from tidemark.terminal.console import Format, console, note, print_json
from tidemark.terminal.format import counted, size

if TYPE_CHECKING:
    from tidemark.services.sync.plan import Plan
    from tidemark.services.sync.sync import LegResult

_ENDED = "What was committed is kept. Next: run the same command again to continue from there."


@dataclass
class _Run:
    """The results of a run, leg by leg."""

    legs: list[LegResult] = field(default_factory=list)

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for leg in self.legs for outcome in leg.outcomes]

    @property
    def causes(self) -> list[str]:
        return [leg.cause for leg in self.legs if leg.cause]

    @property
    def code(self) -> int:
        return next((leg.code for leg in self.legs if leg.code), 0)

    @property
    def seconds(self) -> float:
        return sum(leg.seconds for leg in self.legs)

    @property
    def moved(self) -> list[Outcome]:
        """The outcomes that count the run's rows, each row once."""
        return self.legs[0].outcomes if self.legs else []


def run_and_tell(
    project: Project,
    plan: Plan,
    format: Format | None,
    *,
    log_file: Path | None,
    debug: bool,
    backup: bool,
    warehouse: bool,
) -> None:
    """Runs the legs; prints one line per table, and one for the whole run at the end.

    Args:
        project: Where we are.
        plan: What is run.
        format: How results are printed; None: only what went wrong.
        log_file: Where the log goes as well; default: what was typed before the command.
        debug: Whether the log is shown too.
        backup: Whether MySQL is read.
        warehouse: Whether the lake is loaded, and the tables are built.

    Raises:
        typer.Exit: Something failed; with the run's exit code.
        ConfigError: The log file cannot be written.
    """
    from tidemark.services.sync.sync import run_legs

    run = _Run()
    with run_log(log_file, debug) as (log, bars), _interruption_told():
        begin: Callable[[str], object] = bars.stage if bars else lambda _: None
        for leg in run_legs(project, plan, log, begin, backup=backup, warehouse=warehouse):
            run.legs.append(leg)
            if bars:
                bars.pause()
            if format is Format.TABLE:
                for outcome in leg.outcomes:
                    console().print(_line(outcome))
    if format is Format.JSON:
        print_json(_plain(run, plan))
    elif format is Format.TABLE:
        console().print(summary(run.legs), markup=False)
    _tell_of_failures(run)
    _tell_what_is_left(project, plan, run, warehouse=warehouse)


@contextmanager
def _interruption_told() -> Iterator[None]:
    """Says what a Ctrl-C has left behind if it came while no leg was running."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"Stopped by Ctrl-C. {_ENDED}")
        raise


def _plain(run: _Run, plan: Plan) -> dict[str, object]:
    return {
        "run_id": plan.run_id,
        "success": not run.code,
        "errors": run.causes,
        "rows": sum(outcome.rows or 0 for outcome in run.moved),
        "bytes": sum(outcome.bytes or 0 for outcome in run.moved),
        "seconds": round(run.seconds, 1),
        "results": run.outcomes,
    }


def _line(outcome: Outcome) -> str:
    moved = ""
    if outcome.rows is not None:
        moved = f"{counted(outcome.rows, 'row')} in {counted(outcome.files or 0, 'file')}"
    if outcome.bytes:
        moved += f", {size(outcome.bytes)}"
    if outcome.error:
        return f"[red]failed[/] {outcome.leg:6} {outcome.table}  {escape(outcome.error)}"
    if not outcome.done:
        return f"[yellow]not done[/] {outcome.leg:4} {outcome.table}  {moved}"
    return f"[green]ok[/]     {outcome.leg:6} {outcome.table}  {moved}".rstrip()


def summary(legs: list[LegResult]) -> str:
    """A run in one line: tables, rows, MB, seconds, rows per second, seconds of each leg."""
    run = _Run(legs)
    rows = sum(outcome.rows or 0 for outcome in run.moved)
    megabytes = sum(outcome.bytes or 0 for outcome in run.moved) / 1e6
    tables = len({outcome.table for outcome in run.outcomes})
    parts = ", ".join(f"{leg.name} {leg.seconds:,.0f} s" for leg in legs)
    speed = rows / run.seconds if run.seconds else 0
    return (
        f"{counted(tables, 'table')}, {counted(rows, 'row')}, {megabytes:,.1f} MB "
        f"in {run.seconds:,.0f} s ({parts}), {speed:,.0f} rows/s"
    )


def _tell_of_failures(run: _Run) -> None:
    if not run.code:
        return
    for cause in dict.fromkeys(run.causes):
        note(f"The run ended early: {cause}")
    if run.code in ENDED:
        note(_ENDED)
        raise typer.Exit(run.code)
    failed = sorted({outcome.table for outcome in run.outcomes if outcome.error})
    steps = dict.fromkeys(leg.next for leg in run.legs if leg.next)
    then = "; ".join(steps) or "run tidemark status, then try again."
    note(f"Failed: {', '.join(failed) or 'the run'}. Next: {then}")
    raise typer.Exit(run.code)


def _tell_what_is_left(project: Project, plan: Plan, run: _Run, *, warehouse: bool) -> None:
    for outcome in run.outcomes:
        if outcome.leg == "backup" and (outcome.rows or 0) >= (plan.options.limit or math.inf):
            note(
                f"{outcome.table}: --limit was reached; run the command again for the remaining "
                "rows."
            )
    if not warehouse:
        return
    for text in without_model(project, plan.tables):
        note(text)


def without_model(project: Project, tables: Sequence[TableName]) -> list[str]:
    """The notes on tables that end in landing, because they have no dbt model.

    Args:
        project: Where we are.
        tables: Those of the run.
    """
    names = project.names
    known = set(models(project.root, tables, names))
    return [
        f"{table} has no dbt model: its rows are in landing.{names.of(table)}, but not in public. "
        "CONTRIBUTING.md, 'A new source table', adds one."
        for table in tables
        if names.of(table) not in known
    ]


@contextmanager
def run_log(
    path: Path | None, debug: bool
) -> Iterator[tuple[Callable[[str], object], Bars | None]]:
    """Where a run's log lines go: to a file, with --debug to stderr, on a terminal into bars."""
    path = path or current().log_file
    with ExitStack() as stack:
        bars = stack.enter_context(closing(Bars())) if is_watched() else None
        file = stack.enter_context(open_log(path) if path else nullcontext())
        draw = watcher(bars) if bars else None

        def log(line: str) -> None:
            if draw:
                draw(line)
            if file:
                file.write(line.rstrip("\n") + "\n")
            if debug and (text := readable(line)):
                typer.echo(text, err=True)

        yield log, bars
