"""tidemark external-table, iam-policy and cloudwatch: output for AWS services."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer
from tidemark_core.lake.manifest import Manifest
from tidemark_core.report_store import read_reports
from tidemark_core.s3.errors import explained
from tidemark_core.s3.objects import list_keys, read_document
from tidemark_core.text.moments import to_second

from tidemark.commands.options import BareArgument, NamedOption, TableOption
from tidemark.config.project import Project
from tidemark.config.settings import MonitorSettings
from tidemark.dbt import external
from tidemark.services.aws.cloudwatch import metrics, publish
from tidemark.services.aws.iam_policy import Role, render
from tidemark.services.lake.catalogue import bucket_time, require_known
from tidemark.services.lake.listing import list_tables
from tidemark.state.store import state_folder
from tidemark.terminal.console import Panel, at_least, console, note, one_table, print_json
from tidemark.terminal.format import counted


class Engine(StrEnum):
    """The engine that will read the lake."""

    ATHENA = "athena"
    SPECTRUM = "spectrum"


def external_table(
    table: NamedOption = None,
    bare: BareArgument = None,
    engine: Annotated[
        Engine, typer.Option("--engine", help="The engine that will read it.")
    ] = Engine.ATHENA,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="Name of the external table; default: lake.<table>."
        ),
    ] = None,
) -> None:
    """Print the DDL with which Athena or Redshift Spectrum reads a table of the lake."""
    _print_ddl(one_table(table, bare), engine, name)


def athena_ddl(table: TableOption) -> None:
    """Alias for external-table with the engine athena."""
    _print_ddl(table, Engine.ATHENA, None)


def _print_ddl(text: str, engine: Engine, name: str | None) -> None:
    project = Project.load()
    source = project.table(text)
    layout = project.layout
    manifests = [
        entry["Key"]
        for entry in list_keys(project.s3, project.bucket, layout.manifests_prefix(source))
    ]
    if not manifests:
        require_known([source], list_tables(project.location, client=project.s3))
    newest = max(manifests)
    with explained(f"reading s3://{project.bucket}/{newest}"):
        answer = project.s3.get_object(Bucket=project.bucket, Key=newest)
        body = read_document(answer, f"manifest {newest}")
    fields = external.columns(Manifest.from_json(body, key=newest, layout=layout))
    prefix = layout.data_prefix(source)
    location = f"s3://{project.bucket}/{prefix}"
    target = name or f"lake.{project.names.of(source)}"
    keys = (entry["Key"] for entry in list_keys(project.s3, project.bucket, prefix))
    folders = external.partition_folders(keys, prefix)
    if engine is Engine.SPECTRUM:
        typer.echo(external.spectrum_ddl(target, fields, location, folders))
    else:
        years = [external.year_of(folder) for folder in folders]
        first = min((year for year in years if year), default=None)
        first = first or layout.parse_manifest_key(newest).moment.year
        if unseen := external.unseen(folders, fields):
            note(f"Athena does not see the files under {unseen[0]}: "
                 "they were written before the table had a column of that name.")  # fmt: skip
        typer.echo(external.athena_ddl(target, fields, location, first))


def iam_policy(
    role: Annotated[
        Role, typer.Option("--role", help="The role that gets the policy.")
    ] = Role.EXTRACTOR,
) -> None:
    """Print a least-privilege policy for a role, with this bucket and its folders."""
    project = Project.load()
    folder = state_folder(project.watermark_key)
    template = (project.root / "orchestrate" / "iam" / f"{role}.json").read_text()
    typer.echo(render(template, project.bucket, project.layout, folder))


def cloudwatch(
    hours: Annotated[int, at_least(1, "--hours", help="Include runs from the last N hours.")] = 24,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the metrics without sending them.")
    ] = False,
) -> None:
    """Send the runs' metrics to CloudWatch: BackupSuccess, BackupDuration, RowsProcessed."""
    project = Project.load()
    now = bucket_time(project)
    since = now - timedelta(hours=hours)
    reports = [
        report
        for report in read_reports(project.location, since.date(), now.date())
        if report.started_at >= to_second(since)
    ]
    namespace = project.read(MonitorSettings).cloudwatch_namespace
    found = metrics(reports, project.environment)
    if dry_run:
        print_json({"namespace": namespace, "metrics": found})
        return
    publish(namespace, found, project.location.region)
    sent = f"{counted(len(found), 'metric')} of {counted(len(reports), 'run')}"
    console().print(f"Sent {sent} to {namespace}.")


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    group = Panel.AWS
    app.command(
        "external-table",
        epilog="Example:\n\n  tidemark external-table -t partner_info --engine spectrum",
        rich_help_panel=group,
    )(external_table)
    app.command(
        "athena-ddl", hidden=True, epilog="Example:\n\n  tidemark athena-ddl -t partner_info"
    )(athena_ddl)
    app.command(
        "iam-policy",
        epilog="Example:\n\n  tidemark iam-policy --role loader",
        rich_help_panel=group,
    )(iam_policy)
    app.command(epilog="Example:\n\n  tidemark cloudwatch --dry-run", rich_help_panel=group)(
        cloudwatch
    )
