"""tidemark restore: a table from the lake, into MySQL or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tidemark_core.errors import ConfigError, LakeError, VerificationError
from tidemark_core.text.masking import SECRETS

from tidemark.commands.options import TableOption
from tidemark.config.project import Project
from tidemark.services.lake.catalogue import require_known
from tidemark.services.lake.listing import list_tables, read_archive, read_manifests
from tidemark.services.lake.lost_files import refuse_lost
from tidemark.terminal.console import Format, FormatOption, Panel, console, print_json
from tidemark.terminal.format import counted, parse_time

if TYPE_CHECKING:
    from tidemark.services.restore.mysql_target import Target


def restore(
    table: TableOption,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="URL",
            help="mysql://user:password@host/database; or set RESTORE_URL, which keeps the "
            "password out of the process list.",
        ),
    ] = None,
    via_bastion: Annotated[
        bool, typer.Option("--via-bastion", help="Connect to that MySQL through SSH_BASTION_HOST.")
    ] = False,
    to_file_: Annotated[
        Path | None,
        typer.Option("--to-file", metavar="FILE", help="Output file, .parquet or .csv."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="TIME", help="Restore the state extracted up to this time."
        ),
    ] = None,
    accept_incomplete: Annotated[
        bool,
        typer.Option("--accept-incomplete", help="Proceed even if retention has removed files."),
    ] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Restore a table from the lake: the newest version of each key, with a row count check."""
    from tidemark.services.restore.mysql_target import to_mysql
    from tidemark.services.restore.restore import (
        Restored,
        chosen,
        newest_rows,
        refuse_gaps,
        to_file,
    )

    project = Project.load()
    url = to or (None if to_file_ else project.environ.get("RESTORE_URL"))
    if (url is None) == (to_file_ is None):
        raise ConfigError("give either --to or --to-file", hint="tidemark restore --help")
    where = None if url is None else _target(project, url, via_bastion=via_bastion)
    name = project.table(table)
    manifests = read_manifests(project.location, [name], client=project.s3).get(name, [])
    if not manifests:
        require_known([name], list_tables(project.location, client=project.s3))
        raise LakeError("the lake has no files for it", table=name, hint="tidemark explore")
    commits = chosen(manifests, parse_time(as_of) if as_of else None)
    if not commits[-1].is_full_copy:
        archived = read_archive(project.location, [name], client=project.s3).get(name, [])
        refuse_gaps(name, archived, accept=accept_incomplete)
    refuse_lost(project, name, commits)
    with newest_rows(project, commits) as (rows, versions):
        expected = int(rows.count("*").fetchall()[0][0])
        if where is not None:
            target, count = f"MySQL, table {name.table}", to_mysql(rows, commits[-1], where)
        elif to_file_ is not None:
            target, count = str(to_file_), to_file(rows, to_file_)
    if count != expected:
        raise VerificationError(
            f"the restored table has {count:,} rows, the lake has {expected:,} keys", table=name
        )
    files = sum(len(manifest.files) for manifest in commits)
    done = Restored(str(name), count, versions, files, target)
    if format is Format.JSON:
        print_json(done)
        return
    console().print(
        f"Restored {done.rows:,} rows of {done.table} from {done.versions:,} versions in "
        f"{counted(done.files, 'file')} to {done.target}; the row counts match.",
        markup=False,
    )


def _target(project: Project, url: str, *, via_bastion: bool) -> Target:
    from tidemark.services.restore.mysql_target import Target

    bastion = None
    if via_bastion:
        bastion = project.mysql.bastion
        if bastion is None:
            raise ConfigError(
                "no bastion is configured",
                hint="set SSH_BASTION_HOST, or leave --via-bastion out",
            )
    target = Target.parse(url, bastion)
    SECRETS.add([target.password])
    return target


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(
        epilog="Example:\n\n  tidemark restore -t partner_info --to-file partner.parquet",
        rich_help_panel=Panel.REPAIR,
    )(restore)
