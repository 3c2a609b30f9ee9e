"""``tidemark``: wiring only; commands/ print, services/ do."""

from __future__ import annotations

import os
import sys
import traceback
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from tidemark_core.errors import TidemarkError
from tidemark_core.masking import SECRETS, secrets_of
from tidemark_core.process import end_with_meltano, is_debug

from tidemark.commands import (
    clean,
    config,
    explore,
    rebuild,
    reconcile,
    restore,
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


for module in (
    sync,
    status,
    verify,
    watermark,
    s3clean,
    clean,
    config,
    explore,
    rebuild,
    reconcile,
    restore,
    dbt,
):
    module.register(app)


def main() -> None:
    """Runs the command line; errors are shown in words, a traceback with DEBUG only."""
    end_with_meltano()
    SECRETS.add(secrets_of(os.environ))
    try:
        app()
    except TidemarkError as error:
        _fail(str(error), error.exit_code)
    except Exception as error:  # a fault of ours: still one line, and how to learn more
        _fail(
            f"unexpected {type(error).__name__}: {error}\n  Next: set DEBUG=true for the traceback",
            1,
        )


def _fail(message: str, code: int) -> NoReturn:
    if is_debug():
        traceback.print_exc()
    text = escape(SECRETS(message))
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"[red]Error:[/red] {text}")
    sys.exit(code)
