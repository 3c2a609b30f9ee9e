"""``tidemark``: wiring only; commands/ print, services/ do."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.markup import escape
from tidemark_core.errors import TidemarkError

from tidemark.commands import (
    clean,
    config,
    explore,
    rebuild,
    s3clean,
    status,
    sync,
    verify,
    watermark,
)
from tidemark.dbt import commands as dbt

_WORKFLOWS = """Workflows:

  First backup     tidemark doctor, then tidemark backup -t TABLE -s chunked --dry-run

  Daily run        meltano run sync, then tidemark status

  Reload           tidemark watermark set -t TABLE --timestamp 'YYYY-MM-DD HH:MM:SS',
                   then tidemark sync -t TABLE

  Clean up         tidemark s3clean list, then tidemark clean --retention --dry-run

  Something wrong  tidemark status, tidemark doctor, tidemark verify; docs/runbooks/"""

app = typer.Typer(
    name="tidemark",
    help="The operator's command line of Tidemark.",
    epilog=_WORKFLOWS,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """The operator's command line of Tidemark."""


for module in (sync, status, verify, watermark, s3clean, clean, config, explore, rebuild, dbt):
    module.register(app)


def main() -> None:
    """Runs the command line; an error of ours is shown as it is, without a traceback."""
    try:
        app()
    except TidemarkError as error:
        Console(stderr=True, soft_wrap=True).print(f"[red]Error:[/red] {escape(str(error))}")
        sys.exit(error.exit_code)
