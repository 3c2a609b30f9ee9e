"""seed and change."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tidemark_sandbox.commands.common import AnyFormat, Dir, Format, Port, console, errors
from tidemark_sandbox.world import Sandbox


def seed(
    rows: Annotated[
        int,
        typer.Option(
            "--rows", "-n", min=100, help="Number of delivery rows; other tables in proportion."
        ),
    ] = 100_000,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, help="Random seed; the same seed produces the same data."),
    ] = 1,
    today: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%d %H:%M:%S"],
            help="Latest time in the data (UTC); default: the last full hour.",
            show_default=False,
        ),
    ] = None,
    null_keys: Annotated[
        bool, typer.Option("--null-keys", help="Leave update_at NULL in a few rows.")
    ] = False,
    dir: Dir = None,
    port: Port = None,
    format: AnyFormat = Format.TABLE,
) -> None:
    """Replace the six settlement tables with generated data."""
    began = time.monotonic()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} rows"),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
    ) as bar:
        done: dict[str, int] = {}
        task = bar.add_task("preparing", total=2 * rows)

        def show(table: str, count: int) -> None:
            done[table] = count
            bar.update(task, description=table, completed=sum(done.values()))

        counts = Sandbox(dir, port).seed(
            rows,
            seed,
            now=today.replace(tzinfo=UTC) if today else None,
            null_keys=null_keys,
            progress=show,
        )
    if format is Format.JSON:
        typer.echo(json.dumps(counts, indent=2))
        return
    table = Table("table", "rows", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    console.print(f"Seeded in {time.monotonic() - began:.1f} s.")


def change(
    rows: Annotated[
        int,
        typer.Option("--rows", "-n", min=1, help="Approximate number of delivery rows changed."),
    ] = 100,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", help="Random seed, to select the same rows again.", show_default=False
        ),
    ] = None,
    late_minutes: Annotated[
        int,
        typer.Option("--late-minutes", min=0, help="Delay of the late transaction in minutes."),
    ] = 2,
    dir: Dir = None,
    port: Port = None,
    format: AnyFormat = Format.TABLE,
) -> None:
    """Simulate a day of changes: new rows, changed rows, and a transaction that commits late."""
    done = Sandbox(dir, port).change(rows, seed, late_minutes=late_minutes)
    if format is Format.JSON:
        typer.echo(json.dumps(done, indent=2))
        return
    table = Table("table", "inserted", "updated", "late", box=None, pad_edge=False)
    for name, counts in done.items():
        table.add_row(name, *(str(counts[kind]) for kind in ("inserted", "updated", "late")))
    console.print(table)


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    for command in (seed, change):
        app.command()(command)
