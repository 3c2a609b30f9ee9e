"""demo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tidemark_sandbox.commands.common import Dir, Port, console
from tidemark_sandbox.demo import run_demo
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.world import Sandbox


def demo(
    rows: Annotated[
        int,
        typer.Option(
            "--rows", "-n", min=100, help="Number of delivery rows, if there are none yet."
        ),
    ] = 100_000,
    dir: Dir = None,
    port: Port = None,
) -> None:
    """Demonstrate the pipeline: up, seed, meltano run sync, counts per stage, query results."""
    root = Path(os.environ.get("MELTANO_PROJECT_ROOT") or Path.cwd())
    if not (root / "meltano.yml").is_file():
        raise SandboxError(f"there is no project in {root}", hint="cd to the checkout, make demo")
    run_demo(Sandbox(dir, port), root, rows, console)


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(demo)
