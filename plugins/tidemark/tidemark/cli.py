"""``tidemark``: wiring only; commands/ print, services/ do."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.markup import escape
from tidemark_core.errors import TidemarkError

from tidemark.commands import verify

app = typer.Typer(
    name="tidemark",
    help="The operator's command line of Tidemark.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """Keeps the command's name in the help while there is only one."""


for module in (verify,):
    module.register(app)


def main() -> None:
    """Runs the command line; an error of ours is shown as it is, without a traceback."""
    try:
        app()
    except TidemarkError as error:
        Console(stderr=True, soft_wrap=True).print(f"[red]Error:[/red] {escape(str(error))}")
        sys.exit(error.exit_code)
