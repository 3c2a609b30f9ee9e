"""tidemark config and tidemark info: what is set, and what there is to choose."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Annotated

import typer
from tidemark_core.errors import ConfigError

from tidemark.commands.look.status import print_findings
from tidemark.config.project import Project
from tidemark.services.health.checks import Finding, Level, run_checks
from tidemark.services.health.settings_list import all_settings, view
from tidemark.state.store import state_folder
from tidemark.terminal.console import Format, FormatOption, Panel, console, note, print_json
from tidemark.terminal.table import make_table

_STRATEGIES = (
    ("sequential", "one table at a time", "every night; small and medium tables"),
    (
        "inter-table",
        "BACKUP_MAX_WORKERS tables in parallel",
        "many tables, a source with capacity to spare",
    ),
    ("chunked", "first load in BACKUP_NUM_CHUNKS key ranges", "the first backup of a large table"),
)
_PACKAGES = ("tidemark", "meltano", "dbt-core", "dbt-redshift", "singer-sdk", "pymysql", "boto3")


def _setting_names(incomplete: str) -> list[str]:
    return [name for name in all_settings() if name.startswith(incomplete.upper())]


def config(
    name: Annotated[
        list[str] | None,
        typer.Argument(help="Only these settings; default: all.", autocompletion=_setting_names),
    ] = None,
    connect: Annotated[bool, typer.Option("--connect", help="Also test the connections.")] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Show every setting, where its value comes from, and whether it is valid; exit 2 if not."""
    from tidemark.services.health.status import check_mysql, check_s3, check_warehouse

    project = Project.load()
    names = [text.upper() for text in name or []]
    file = project.in_file
    # A file that was named wins over the environment.
    environ = {k: v for k, v in os.environ.items() if not (project.env_file and k in file)}
    found = view(file, environ, names)
    unknown = {} if names else project.unknown_settings
    if names and len(found) != len(set(names)):
        missing = sorted(set(names) - {setting.name for setting in found})
        raise ConfigError(f"no such setting: {', '.join(missing)}", hint="tidemark config")
    findings: list[Finding] = []
    if connect:
        findings = run_checks(
            {
                "MySQL": lambda: check_mysql(project),
                "S3": lambda: check_s3(project),
                "warehouse": lambda: check_warehouse(project),
            }
        )
    if format is Format.JSON:
        print_json({"settings": found, "connections": findings, "unknown": sorted(unknown)})
    else:
        rows = [(s.name, s.value, s.source, s.level, s.problem or s.description) for s in found]
        console().print(
            make_table(
                "Settings",
                ["variable", "value", "from", "", " "],
                rows,
                wrap="value, ",
            )
        )
        for odd, meant in unknown.items():
            note(f"{odd} in {project.settings_file} is not a setting{meant}.")
        if connect:
            print_findings("Connections", findings, format)
    if any(setting.level is Level.ERROR for setting in found):
        raise typer.Exit(2)
    if any(finding.level is Level.ERROR for finding in findings):
        raise typer.Exit(1)


def info(format: FormatOption = Format.TABLE) -> None:
    """Show the strategies and when to use them, the versions, and the folders in the bucket."""
    project = Project.load()
    layout = project.layout
    places = {
        "data": layout.incremental,
        "manifests": layout.manifests_root,
        "archive": layout.archive_root,
        "run reports": layout.runs_root,
        "staging": layout.staging_root,
        "state": state_folder(project.watermark_key),
    }
    versions = {"Python": platform.python_version()} | {name: version(name) for name in _PACKAGES}
    if format is Format.JSON:
        strategies = [dict(zip(("name", "how", "when"), s, strict=True)) for s in _STRATEGIES]
        print_json(
            {
                "strategies": strategies,
                "versions": versions,
                "bucket": project.bucket,
                "layout": places,
                "environment": project.environment,
            }
        )
        return
    out = console()
    out.print(make_table("Strategies", ["-s", "reads", "for"], _STRATEGIES, wrap="reads,for"))
    out.print(make_table(f"In s3://{project.bucket}/", ["", "folder"], list(places.items())))
    out.print(make_table("Versions", ["", "version"], list(versions.items())))


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command(
        epilog="Examples:\n\n  tidemark config\n\n  tidemark config --connect",
        rich_help_panel=Panel.LOOK,
    )(config)
    app.command(
        epilog="Example:\n\n  tidemark info",
        rich_help_panel=Panel.LOOK,
    )(info)
