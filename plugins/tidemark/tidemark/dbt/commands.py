"""tidemark docs, tidemark external-table: what is made from the dbt project and the lake."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from tidemark_core.errors import LakeError
from tidemark_core.manifest import Manifest
from tidemark_core.s3 import explained, list_keys

from tidemark.dbt import external, site
from tidemark.project import Project
from tidemark.settings import DOCS_SETTINGS

docs = typer.Typer(help="The documentation site.", no_args_is_help=True)
OutOption = Annotated[
    Path | None, typer.Option(help="Folder of the pages; default: DOCS_DIR, below the project.")
]


class Engine(StrEnum):
    """Who is to read the lake."""

    ATHENA = "athena"
    SPECTRUM = "spectrum"


@docs.command("build", epilog="Example:\n\n  tidemark docs build --out site")
def build(
    out: OutOption = None,
) -> None:
    """Build the documentation site as static files."""
    project = Project.load()
    folder = _site(project, out)
    for page in site.build_site(project.root / "transform", folder, project.environ):
        typer.echo(page)


@docs.command("publish", epilog="Example:\n\n  tidemark docs publish --out site")
def publish(
    out: OutOption = None,
    prefix: Annotated[str, typer.Option(help="Folder in the bucket.")] = "docs/",
) -> None:
    """Put the built site into the lake's bucket."""
    project = Project.load()
    folder = prefix.strip("/") + "/"
    for key in site.publish_site(_site(project, out), project.s3, project.bucket, folder):
        typer.echo(f"s3://{project.bucket}/{key}")


def _site(project: Project, out: Path | None) -> Path:
    """Where the pages are: as typed, else as set."""
    return out.resolve() if out else project.root / project.values(DOCS_SETTINGS)["docs_dir"]


def external_table(
    table: Annotated[str, typer.Argument(help="Such as settlement.partner_info.")],
    engine: Annotated[Engine, typer.Option(help="Who is to read it.")] = Engine.ATHENA,
    name: Annotated[
        str | None, typer.Option(help="Name of the external table; default: lake.<table>.")
    ] = None,
) -> None:
    """Print the DDL with which Athena or Redshift Spectrum reads a table of the lake."""
    project = Project.load()
    source = project.table(table)
    layout = project.layout
    manifests = [
        entry["Key"]
        for entry in list_keys(project.s3, project.bucket, layout.manifests_prefix(source))
    ]
    if not manifests:
        raise LakeError("has no manifest in the lake", table=source, hint="tidemark backup")
    newest = max(manifests)
    with explained(f"reading s3://{project.bucket}/{newest}"):
        body = project.s3.get_object(Bucket=project.bucket, Key=newest)["Body"].read()
    fields = external.columns(Manifest.from_json(body, key=newest, layout=layout))
    prefix = layout.data_prefix(source)
    location = f"s3://{project.bucket}/{prefix}"
    target = name or f"lake.{source.landing}"
    keys = (entry["Key"] for entry in list_keys(project.s3, project.bucket, prefix))
    folders = external.partition_folders(keys, prefix)
    if engine is Engine.SPECTRUM:
        typer.echo(external.spectrum_ddl(target, fields, location, folders))
    else:
        years = [folder[5:9] for folder in folders if folder[5:9].isdigit()]
        first = int(min(years)) if years else layout.parse_manifest_key(newest).moment.year
        typer.echo(external.athena_ddl(target, fields, location, first))


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(docs, name="docs")
    app.command(
        "external-table",
        epilog="Example:\n\n  tidemark external-table partner_info --engine spectrum",
    )(external_table)
