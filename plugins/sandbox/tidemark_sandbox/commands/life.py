"""up, status, down, reset, packages."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tidemark_sandbox.commands.common import AnyFormat, Dir, Format, Port, console, errors
from tidemark_sandbox.debian.packages import PACKAGES, missing
from tidemark_sandbox.dotenv import point_here
from tidemark_sandbox.parts.status import PartStatus
from tidemark_sandbox.settings.config import Server
from tidemark_sandbox.world import Sandbox


def up(
    dir: Dir = None,
    port: Port = None,
    server: Annotated[
        Server | None,
        typer.Option(
            "--server",
            help="The source; default: SANDBOX_SERVER, or as before, or mariadb. mysql is MySQL"
            " from Debian unstable, installed into a separate folder on first use.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start everything that is not running, and clean up after a crash."""
    sandbox = Sandbox(dir, port, server)
    began = time.monotonic()
    with errors.status("Starting") as shown:
        sandbox.up(progress=lambda message: shown.update(message))
    _print(sandbox.status())
    if written := point_here(Path.cwd(), sandbox, os.environ):
        console.print(f"Wrote {written}: this checkout now points at the sandbox.")
    console.print(f"Up in {time.monotonic() - began:.1f} s. Data: {sandbox.config.dir}")
    console.print("Next: [bold]seed[/bold] fills MySQL, [bold]env[/bold] prints the variables.")


def status(dir: Dir = None, port: Port = None, format: AnyFormat = Format.TABLE) -> None:
    """Check the health of each part; exit code 1 if one is not healthy."""
    found = Sandbox(dir, port).status()
    if format is Format.JSON:
        typer.echo(json.dumps([asdict(part) for part in found], indent=2))
    else:
        _print(found)
    if not all(part.healthy for part in found):
        raise typer.Exit(1)


def down(dir: Dir = None, port: Port = None) -> None:
    """Stop every process; the data is kept."""
    sandbox = Sandbox(dir, port)
    with errors.status("Stopping"):
        sandbox.down()
    console.print(f"Down. The data is still in {sandbox.config.dir}")


def reset(dir: Dir = None, port: Port = None) -> None:
    """Stop every process and remove the data."""
    sandbox = Sandbox(dir, port)
    with errors.status("Removing"):
        sandbox.reset()
    console.print(f"Gone: {sandbox.config.dir}")


def packages(
    lacking: Annotated[
        bool, typer.Option("--missing", help="List only packages that are not installed.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="One line per package, with its purpose.")
    ] = False,
) -> None:
    """Print the Debian packages that the sandbox needs, for apt-get install."""
    listed = missing() if lacking else PACKAGES
    if explain:
        for package in listed:
            typer.echo(f"  {package.name:22} {package.why}")
    else:
        typer.echo(" ".join(package.name for package in listed))


def _print(parts: list[PartStatus]) -> None:
    table = Table("part", "address", "pid", "healthy", "version", box=None, pad_edge=False)
    for part in parts:
        table.add_row(
            part.part,
            part.address,
            str(part.pid or ""),
            "[green]yes[/green]" if part.healthy else "[red]no[/red]",
            part.version or f"[red]{part.problem}[/red]",
        )
    # Whole addresses, for copying, however narrow the terminal or the pipe is.
    wide = console.options.update(max_width=1000)
    Console(width=console.measure(table, options=wide).maximum).print(table)


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    for command in (up, status, down, reset, packages):
        app.command()(command)
