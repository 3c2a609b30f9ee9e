"""tidemark clean: old files by prefix and age, and retention by the settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from tidemark_core.errors import ConfigError, TidemarkError

from tidemark.commands.clean.s3clean import run_cleaning
from tidemark.config.project import Project
from tidemark.config.settings import RetentionSettings
from tidemark.services.lake.catalogue import bucket_time, read_catalogue
from tidemark.services.lake.file_status import Rules, Selection, checked_prefix
from tidemark.services.maintenance.cleaning import clean as remove_files
from tidemark.services.maintenance.cleaning import plan
from tidemark.services.maintenance.retention import (
    delete_records,
    file_rules,
    old_loads,
    old_records,
    retire_loads,
)
from tidemark.services.maintenance.vacuum import Need, needs
from tidemark.terminal.console import (
    Format,
    FormatOption,
    Panel,
    at_least,
    console,
    note,
    print_json,
)
from tidemark.terminal.format import size

_EXAMPLES = """Examples:

  tidemark clean --days 30

  tidemark clean --retention --dry-run"""


def clean(
    bucket: Annotated[
        str | None,
        typer.Option(
            "--bucket",
            metavar="NAME",
            help="Safety check: must be the lake's bucket, which is the default.",
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            "--prefix", metavar="FOLDER", help="Only files under this folder of the lake's data."
        ),
    ] = None,
    days: Annotated[int | None, at_least(1, "--days", help="Only files older than N days.")] = None,
    retention: Annotated[
        bool, typer.Option("--retention", help="Apply the *_RETENTION_DAYS settings.")
    ] = False,
    do_it: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", "--confirm", help="Actually remove; without it, nothing is removed."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed (the default).")
    ] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Remove loaded files and orphans by age; without --yes, only show what would be removed."""
    project = Project.load()
    do_it = do_it and not dry_run
    if retention:
        if bucket or prefix or days:
            raise ConfigError(
                "--retention uses the settings and cannot be combined with other options"
            )
        _retention(project, do_it, format)
        return
    if days is None:
        raise ConfigError("give --days N or --retention", hint="tidemark clean --help")
    if bucket not in (None, project.bucket):
        raise ConfigError(
            f"{bucket!r} is not the lake's bucket; nothing was removed",
            hint=f"leave --bucket out, or set S3_BUCKET_NAME (now {project.bucket})",
        )
    rules = Rules(
        older_than=timedelta(days=days),
        prefix=None if prefix is None else checked_prefix(prefix, project.layout),
    )
    run_cleaning(
        project,
        read_catalogue(project),
        rules,
        [],
        dry_run=not do_it,
        force=True,
        questions=1,
        format=format,
    )


def _retention(project: Project, do_it: bool, format: Format) -> None:
    days = project.read(RetentionSettings)
    now, rules = bucket_time(project), file_rules(days.backup_retention_days)
    catalogue = read_catalogue(project)
    selections = {what: plan(project, catalogue, rule) for what, rule in rules.items()}
    nothing = Selection((), {})
    files, orphans = selections.get("files", nothing), selections["orphans"]
    records = old_records(project, days.archive_retention_days, now)
    loads = old_loads(project, days.landing_retention_days, now)
    found = {
        "files": {
            "days": days.backup_retention_days,
            "count": len(files.remove),
            "bytes": files.size,
        },
        "orphans": {"count": len(orphans.remove), "bytes": orphans.size},
        "records": {"days": days.archive_retention_days, "count": len(records)},
        "landing": {
            "days": days.landing_retention_days,
            "loads": len(loads),
            "rows": sum(load.rows for load in loads),
        },
        "removed": do_it,
    }
    if do_it:
        # Landing first: as long as the files are in the lake, it can be loaded again from them.
        if loads:
            retire_loads(project, loads)
        for what, selection in selections.items():
            remove_files(project, selection, rules[what])
        delete_records(project, records)
    found["upkeep"], problem = _upkeep(project)
    if format is Format.JSON:
        print_json(found)
        return
    out, verb = console(), "Removed" if do_it else "Would remove"
    for what, kept, name in (
        ("files", days.backup_retention_days, "BACKUP_RETENTION_DAYS"),
        ("records", days.archive_retention_days, "ARCHIVE_RETENTION_DAYS"),
        ("landing", days.landing_retention_days, "LANDING_RETENTION_DAYS"),
    ):
        if not kept:
            out.print(f"{what}: kept forever ({name}=0)", markup=False)
    out.print(f"{verb} {len(files.remove)} loaded files ({size(files.size)}),", end=" ")
    out.print(f"{len(orphans.remove)} orphans ({size(orphans.size)}),", end=" ")
    out.print(f"{len(records)} records, {len(loads)} loads in landing.")
    for need in found["upkeep"]:  # type: ignore[attr-defined]
        out.print(f"{need.table}: {need.why}; run {need.command}", markup=False)
    if problem:
        note(f"Could not check whether tables need VACUUM or ANALYZE: {problem}")
    if not do_it:
        out.print("Nothing was removed; run again with --yes to remove it.")


def _upkeep(project: Project) -> tuple[list[Need], str | None]:
    """What tables need, or why that is unknown: hints only, so that no cleaning fails for them."""
    try:
        return needs(project), None
    except TidemarkError as error:
        return [], str(error)


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(epilog=_EXAMPLES, rich_help_panel=Panel.CLEAN)(clean)
