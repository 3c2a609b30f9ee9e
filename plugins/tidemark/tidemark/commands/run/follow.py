"""tidemark follow: backup, load and build again and again, as fast as changes come."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from tidemark_core.logs import MaskedJsonFormatter
from tidemark_core.runs.progress_bars import Bars

from tidemark.commands.options import TablesOption
from tidemark.commands.run.legs import run_log
from tidemark.commands.run.sync import ConfigFileOption, DebugOption, LogFileOption, check_settings
from tidemark.commands.run.sync import run_options as options_of
from tidemark.config.project import Project
from tidemark.terminal.console import Panel, at_least, console, note
from tidemark.terminal.format import counted, parse_seconds

if TYPE_CHECKING:
    from tidemark.services.follow.lag import Spread
    from tidemark.services.follow.round import Round
    from tidemark.services.follow.work import Work

_EXAMPLES = """Examples:

  tidemark follow

  tidemark follow -t partner_info --every 10s"""
logger = logging.getLogger("tidemark.follow")


def follow(
    table: TablesOption = None,
    every: Annotated[
        str,
        typer.Option(
            "--every", metavar="30s", help="Minimum interval between the start of two rounds."
        ),
    ] = "30s",
    rounds: Annotated[int | None, at_least(1, "--rounds", help="Exit after N rounds.")] = None,
    config_file: ConfigFileOption = None,
    log_file: LogFileOption = None,
    debug: DebugOption = False,
) -> None:
    """Keep tables read from the binary log up to date until terminated (Ctrl-C, SIGTERM).

    A round is a backup, a load and a build of the tables that have changed; while nothing changes,
    no round is started. Each round prints one line on a terminal, and a JSON line elsewhere. A
    failing table or leg is retried after increasing waits; the others continue.
    """
    from tidemark.services.follow.follower import Follower
    from tidemark.services.follow.tables import plan_follow

    seconds = parse_seconds(every)
    project = Project.load(config_file)
    check_settings(project)
    options = options_of(project, None, None, None, None, debug=debug)
    plan = plan_follow(project, project.tables(table), options)
    with run_log(log_file, options.debug) as (log, bars), _logged():
        follower = Follower(project, plan, seconds, _Teller(log, bars), rounds or 0)
        try:
            code = follower.run()
        finally:
            if bars:
                bars.pause()
            _tell_end(follower.spread)
    raise typer.Exit(code)


@contextmanager
def _logged() -> Iterator[None]:
    """Writes the follower's messages as JSON lines if the output is not a terminal."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(MaskedJsonFormatter())
    logger.setLevel(logging.INFO)
    logger.propagate = False
    if not sys.stdout.isatty():
        logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


class _Teller:
    """Shows a follower's rounds on a terminal."""

    def __init__(self, log: Callable[[str], object], bars: Bars | None) -> None:
        self._log, self._bars = log, bars
        self._waits = ""

    def line(self, line: str) -> None:
        self._log(line)

    def begin(self, leg: str) -> None:
        self._waits = ""
        if self._bars:
            self._bars.stage(leg)

    def round(self, done: Round, work: Work) -> None:
        if self._bars:
            self._bars.pause()
        if sys.stdout.isatty():
            console().print(round_line(done))
            for failure in work.told():
                console().print(f"[red]failed[/] {escape(failure)}")

    def waits(self, why: str) -> None:
        if why != self._waits and sys.stderr.isatty():
            note(f"waiting: {why}")
        self._waits = why


def round_line(done: Round) -> str:
    """A round in a line: its tables, the seconds of each leg, and the longest lag."""
    legs = ", ".join(f"{leg.name} {leg.seconds:.0f} s" for leg in done.legs)
    text = f"{done.began:%H:%M:%S}  {counted(len(done.tables), 'table')}, {legs}"
    if not done.lags:
        return text
    worst = max(done.lags, key=lambda table: done.lags[table])
    return f"{text}; lag {done.lags[worst]:.1f} s ({worst})"


def _tell_end(spread: Spread | None) -> None:
    told = "no changes seen" if spread is None else str(spread)
    fields: dict[str, float] = {}
    if spread is not None:
        fields = {"p50": spread.p50, "p95": spread.p95, "max": spread.most}
    if sys.stdout.isatty():
        console().print(f"Lag from commit to view: {told}")
    else:
        logger.info("Lag from commit to view: %s", told, extra=fields)


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(epilog=_EXAMPLES, rich_help_panel=Panel.RUN)(follow)
