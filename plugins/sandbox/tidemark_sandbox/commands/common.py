"""Options that every command has, and where it prints."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tidemark_sandbox.host.ports import DEFAULT_BASE


class Format(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"


AnyFormat = Annotated[Format, typer.Option("--format", help="Output format.")]
console = Console()
errors = Console(stderr=True, soft_wrap=True)

Dir = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        "-d",
        help="Data folder; default: SANDBOX_DIR, or .sandbox in the project.",
        show_default=False,
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        "-p",
        help=f"First of its 100 ports; default: SANDBOX_PORT, or as before, or {DEFAULT_BASE}.",
        show_default=False,
    ),
]
