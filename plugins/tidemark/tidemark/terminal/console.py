"""How the commands print and ask: one place for tables, JSON, questions and shared options."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from tidemark_core.errors import ConfigError

from tidemark.terminal.format import moment


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


class Panel(StrEnum):
    """The groups of the commands in the help."""

    TABLES = "Tables"
    RUN = "Run"
    LOOK = "Look"
    REPAIR = "Repair"
    CLEAN = "Clean"
    AWS = "AWS"


FormatOption = Annotated[Format, typer.Option("--format", help="Output format.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def at_least(least: int, name: str, *, help: str) -> Any:
    """An option that takes a number, which its help calls N; a smaller one is refused."""

    def check(number: int | None) -> int | None:
        if number is not None and number < least:
            raise typer.BadParameter(f"{number} is less than {least}.")
        return number

    return typer.Option(name, metavar="N", callback=check, help=help)


def one_table(named: str | None, bare: str | None) -> str:
    """The one table that was typed, with -t or without.

    Raises:
        ConfigError: No table was typed, or two.
    """
    if (named is None) == (bare is None):
        raise ConfigError("specify a table", hint="-t settlement.partner_info")
    return str(named if named is not None else bare)


def console() -> Console:
    """The console of results; made at each call, as stdout may have been replaced."""
    # A file or a pipe has no width: lines are not cut for it.
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False)


def note(message: str) -> None:
    """Says something beside the result, on stderr."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(message, markup=False)


def teller(format: Format) -> Callable[[str], None]:
    """Returns how a command reports its progress: on stderr if the result is JSON."""
    return note if format is Format.JSON else partial(console().print, markup=False)


def to_plain(value: Any) -> Any:
    """Turns dataclasses, times and sets into what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    if isinstance(value, datetime):
        return moment(value, "T") + "Z"
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def print_json(value: Any) -> None:
    """Prints a result for programs."""
    typer.echo(json.dumps(to_plain(value), indent=2, ensure_ascii=False))


def confirm(question: str, *, yes: bool, flag: str = "--yes") -> None:
    """Asks before something is changed.

    Raises:
        ConfigError: There is no terminal to ask.
        typer.Abort: The answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(
            "nothing was changed: confirmation requires a terminal",
            hint=f"run the command again with {flag}",
        )
    typer.confirm(question, abort=True, err=True)
