"""``tidemark-sandbox``: wiring only; commands/ say what each command does."""

from __future__ import annotations

import sys

import typer
from rich.markup import escape
from tidemark_core.errors import TidemarkError

from tidemark_sandbox.commands import data, life, show, use
from tidemark_sandbox.commands.common import errors

app = typer.Typer(
    name="tidemark-sandbox",
    help="A local environment on 127.0.0.1: MariaDB, an SSH bastion, S3 and a Redshift stand-in.",
    epilog="First steps: up, seed, status, env. It listens on 127.0.0.1 only.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (life, data, use, show):
    module.register(app)


def main() -> None:
    """Runs the command line; an error of ours is shown as it is, without a traceback."""
    try:
        app()
    except TidemarkError as error:
        errors.print(f"[red]Error:[/red] {escape(str(error))}")
        sys.exit(error.exit_code)
