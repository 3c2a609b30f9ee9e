"""tidemark backup and tidemark sync: the nightly jobs, for the tables that an operator names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tidemark_core.errors import ConfigError
from tidemark_core.run_context import log_level
from tidemark_core.runs.progress import is_watched

from tidemark.commands.look.verify import check_tables
from tidemark.commands.options import TablesOption
from tidemark.commands.run.legs import run_and_tell
from tidemark.config.project import Project
from tidemark.config.tables.selection import Options, Strategy
from tidemark.config.tables.super_columns import refuse_other_contracts
from tidemark.config.validation import refuse_bad_values
from tidemark.runner.leases import hold_job
from tidemark.terminal.console import (
    Format,
    FormatOption,
    Panel,
    at_least,
    console,
    note,
    print_json,
)
from tidemark.terminal.format import counted, key_text
from tidemark.terminal.table import make_table

if TYPE_CHECKING:
    from tidemark.services.sync.dry_run import Forecast
    from tidemark.services.sync.plan import Plan

StrategyOption = Annotated[
    Strategy | None,
    typer.Option("--strategy", "-s", help="How to read the tables; default: BACKUP_STRATEGY."),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be copied, without copying.")
]
EstimateOption = Annotated[
    bool,
    typer.Option(
        "--estimate", help="Like --dry-run, with the estimated time based on recent runs."
    ),
]
WorkersOption = Annotated[
    int | None, at_least(1, "--max-workers", help="Maximum number of concurrent queries.")
]
BatchOption = Annotated[int | None, at_least(1, "--batch-size", help="Maximum rows per file.")]
LimitOption = Annotated[
    int | None,
    at_least(1, "--limit", help="Read about N new rows per table; the next run continues."),
]
ConfigFileOption = Annotated[
    Path | None,
    typer.Option(
        "--config-file", metavar="FILE", help="A .env file to use instead of the project's."
    ),
]
LogFileOption = Annotated[
    Path | None,
    typer.Option(
        "--log-file", metavar="FILE", help="Also write the run's log (JSON lines) to this file."
    ),
]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Show each part's log on stderr; --log-file has everything.")
]

_BACKUP = """Examples:

  tidemark backup -t partner_info --dry-run

  tidemark backup -t partner_info -t billing_summary -s inter-table"""
_SYNC = """Examples:

  tidemark sync -t partner_info --dry-run

  tidemark sync -t partner_info --verify-data

  tidemark sync -t delivery_status --limit 100000

  tidemark sync -t partner_info --redshift-only"""


def backup(
    table: TablesOption = None,
    strategy: StrategyOption = None,
    limit: LimitOption = None,
    dry_run: DryRunOption = False,
    estimate: EstimateOption = False,
    max_workers: WorkersOption = None,
    batch_size: BatchOption = None,
    config_file: ConfigFileOption = None,
    log_file: LogFileOption = None,
    debug: DebugOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Copy tables from MySQL to the lake, like `meltano run backup` but for selected tables."""
    from tidemark.services.sync.plan import forecasts, plan_backup

    project = Project.load(config_file)
    check_settings(project)
    options = run_options(project, strategy, max_workers, batch_size, limit, debug=debug)
    plan = plan_backup(project, project.tables(table), options)
    if dry_run or estimate:
        _show_forecasts(forecasts(project, plan, estimate=estimate), format)
        return
    _tell_whole(plan)
    with hold_job(project, f"tidemark backup, run {plan.run_id}"):
        run_and_tell(
            project, plan, format, log_file=log_file, debug=options.debug,
            backup=True, warehouse=False,
        )  # fmt: skip


def sync(
    table: TablesOption = None,
    strategy: StrategyOption = None,
    backup_only: Annotated[
        bool, typer.Option("--backup-only", help="Only copy MySQL to the lake.")
    ] = False,
    redshift_only: Annotated[
        bool,
        typer.Option(
            "--redshift-only", help="Only load the lake into the warehouse; MySQL is not read."
        ),
    ] = False,
    limit: LimitOption = None,
    verify_data: Annotated[
        bool,
        typer.Option(
            "--verify-data",
            help="Compare the row counts of all stages afterwards; exit 3 if they differ.",
        ),
    ] = False,
    dry_run: DryRunOption = False,
    max_workers: WorkersOption = None,
    batch_size: BatchOption = None,
    config_file: ConfigFileOption = None,
    log_file: LogFileOption = None,
    debug: DebugOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Copy tables from MySQL to the warehouse, like `meltano run sync` but for selected tables."""
    from tidemark.services.sync.plan import plan_backup, plan_load

    if backup_only and redshift_only:
        raise ConfigError("--backup-only and --redshift-only exclude each other")
    if verify_data and (backup_only or dry_run):
        other = "--backup-only" if backup_only else "--dry-run"
        raise ConfigError(
            f"--verify-data needs the warehouse to be loaded, which {other} does not do"
        )
    reading = {
        "--limit": limit,
        "--strategy": strategy,
        "--max-workers": max_workers,
        "--batch-size": batch_size,
    }
    if redshift_only and (given := [name for name, value in reading.items() if value]):
        raise ConfigError(
            f"{', '.join(given)}: only for reading MySQL, which --redshift-only does not do"
        )
    project = Project.load(config_file)
    check_settings(project)
    wanted = project.tables(table)
    options = run_options(project, strategy, max_workers, batch_size, limit, debug=debug)
    plan = (
        plan_load(project, wanted, options)
        if redshift_only
        else plan_backup(project, wanted, options)
    )
    if dry_run:
        _dry_run(project, plan, redshift_only, format)
        return
    if not redshift_only:
        _tell_whole(plan)
    with hold_job(project, f"tidemark sync, run {plan.run_id}"):
        run_and_tell(
            project, plan, format, log_file=log_file, debug=options.debug,
            backup=not redshift_only, warehouse=not backup_only,
        )  # fmt: skip
    if verify_data:
        check_tables(project, plan.tables, Format.TABLE if format is Format.TABLE else None)


def run_options(
    project: Project,
    strategy: Strategy | None,
    max_workers: int | None,
    batch_size: int | None,
    limit: int | None,
    *,
    debug: bool,
) -> Options:
    """The typed options; the settings DEBUG and LOG_LEVEL have the same effect as ``--debug``."""
    debug = debug or log_level(project.environ) == "DEBUG"
    return Options(strategy, max_workers, batch_size, limit, debug, watched=is_watched())


def check_settings(project: Project) -> None:
    """Refuses invalid settings, and names those that nothing reads."""
    refuse_bad_values(project.environ)
    refuse_other_contracts(project.root, project.environ)
    for name, meant in project.unknown_settings.items():
        note(f"{name} in {project.settings_file} is not a setting{meant}.")


def _dry_run(project: Project, plan: Plan, redshift_only: bool, format: Format) -> None:
    from tidemark.services.sync.plan import forecasts

    if not redshift_only:
        _show_forecasts(forecasts(project, plan, estimate=False), format)
        return
    from tidemark.services.lake.backlog import read_waiting

    found, problem = read_waiting(project, plan.tables)
    if format is Format.JSON:
        print_json(found)
    else:
        heads = ["table", "files to load", "left waiting"]
        rows = [(w.table, w.files, w.left) for w in found]
        console().print(make_table("Dry run: what would be loaded", heads, rows,
                                   right="files to load,left waiting"))  # fmt: skip
    for one in found:
        if one.left:
            note(
                f"{one.table}: {counted(one.left, 'file')} before the load's bookmark will stay "
                "where "
                f"they are; to load them as well: tidemark watermark reset -t {one.table} --leg "
                "load"
            )
    if problem:
        note(f"Could not ask the warehouse what is loaded: {problem}")


def _show_forecasts(found: list[Forecast], format: Format) -> None:
    if format is Format.JSON:
        print_json(found)
    else:
        _print_forecasts([forecast for forecast in found if not forecast.error])
    for forecast in found:
        if forecast.error:
            note(f"{forecast.table} would fail: {forecast.error}")
    if any(forecast.error for forecast in found):
        raise typer.Exit(1)


def _print_forecasts(found: list[Forecast]) -> None:
    rows = [
        (
            f.table,
            key_text(f.since) or "the beginning",
            key_text(f.until),
            f"{f.rows:,}" + ("" if f.counted else " (estimated)"),
            f.edge,
            f.files,
            "-" if f.seconds is None else f"{f.seconds:,.0f} s",
        )
        for f in found
    ]
    heads = ["table", "from", "until", "rows", "lookback", "files", "time"]
    right = "rows,lookback,files,time"
    console().print(make_table("Dry run: what would be copied", heads, rows, right=right))


def _tell_whole(plan: Plan) -> None:
    for table in plan.whole:
        note(
            f"{table} has no replication key and is read in full each time; "
            "give it one under metadata in extract/extractors.meltano.yml"
        )


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command(epilog=_BACKUP, rich_help_panel=Panel.RUN)(backup)
    app.command(epilog=_SYNC, rich_help_panel=Panel.RUN)(sync)
