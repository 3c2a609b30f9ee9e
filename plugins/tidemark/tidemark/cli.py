"""``tidemark``: wiring only; commands/ print, services/ do."""

from __future__ import annotations

import json
import os
import sys
import traceback
from contextlib import ExitStack
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from tidemark_core.errors import TidemarkError
from tidemark_core.process import end_with_meltano
from tidemark_core.run_context import is_debug
from tidemark_core.text.masking import SECRETS, secrets_of

from tidemark.commands import aws
from tidemark.commands.clean import clean, s3clean
from tidemark.commands.look import config, dashboard, explore, status, verify
from tidemark.commands.look import docs as dbt
from tidemark.commands.repair import rebuild, reconcile, restore, resync, watermark
from tidemark.commands.run import follow, sync
from tidemark.commands.tables import add, remove, tables
from tidemark.config.invocation import Invocation, invoked, log_error
from tidemark.terminal.app import App

_WORKFLOWS = """Workflows:

  Your own tables  tidemark remove 'settlement.*', then tidemark add 'SCHEMA.*';
                   docs/your-own-database.md

  First backup     tidemark doctor, then tidemark backup -t TABLE -s chunked --dry-run

  Daily run        meltano run sync, then tidemark status

  Within seconds   tidemark follow, for tables that are read by MySQL's log

  Reload           tidemark watermark set -t TABLE --timestamp 'YYYY-MM-DD HH:MM:SS',
                   then tidemark sync -t TABLE

  Clean up         tidemark s3clean list, then tidemark clean --retention --dry-run

  Something wrong  tidemark status, tidemark doctor, tidemark verify; docs/runbooks/"""

app = App(
    name="tidemark",
    help="Tidemark's command line for operators.",
    epilog=_WORKFLOWS,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tidemark {version('tidemark')}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config-file", metavar="FILE", help="A .env file to use instead of the project's."
        ),
    ] = None,
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file", metavar="FILE", help="Also write the log (JSON lines) to this file."
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Tidemark's command line for operators."""
    context.ensure_object(ExitStack).enter_context(invoked(Invocation(config_file, log_file)))


# In the order of the groups in the help: tables, run, look, repair, clean, AWS.
for module in (
    add,
    tables,
    remove,
    sync,
    follow,
    status,
    verify,
    explore,
    dashboard,
    config,
    watermark,
    reconcile,
    resync,
    rebuild,
    restore,
    s3clean,
    clean,
    dbt,
    aws,
):
    module.register(app)


def main() -> None:
    """Runs the command line; errors are shown in words, a traceback with DEBUG only."""
    end_with_meltano()
    SECRETS.add(secrets_of(os.environ))
    with ExitStack() as until_the_end:  # of the command, its error's line in the log included
        try:
            app(obj=until_the_end)
        except TidemarkError as error:
            _fail(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours: shown in one line too
            message = f"unexpected {type(error).__name__}: {error}"
            _fail(TidemarkError(message, hint="set DEBUG=true for the traceback"))


def _fail(error: TidemarkError) -> NoReturn:
    """Shows an error, in words or as a line of JSON where results are JSON, and exits."""
    if is_debug():
        traceback.print_exc()
    log_error(error)
    if _asks_for_json(sys.argv):
        print(SECRETS(_as_json(error)), file=sys.stderr)
    else:
        text = escape(SECRETS(str(error)))
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"[red]Error:[/red] {text}")
    sys.exit(error.exit_code)


def _asks_for_json(words: list[str]) -> bool:
    return "--format=json" in words or ("--format", "json") in pairwise(words)


def _as_json(error: TidemarkError) -> str:
    told = {
        "type": type(error).__name__,
        "message": error.message,
        "table": None if error.table is None else str(error.table),
        "column": error.column,
        "key": error.key,
        "next": error.hint,
        "exit_code": error.exit_code,
    }
    return json.dumps({"error": told}, ensure_ascii=False, default=str)
