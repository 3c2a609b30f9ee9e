"""tidemark docs: the documentation site, made from the dbt project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from tidemark_core.errors import ConfigError

from tidemark.config.project import Project
from tidemark.config.settings import DocsSettings
from tidemark.dbt.site import site
from tidemark.terminal.app import App
from tidemark.terminal.console import Panel

docs = App(
    help="The documentation site.",
    epilog="Examples:\n\n  tidemark docs build\n\n  tidemark docs publish",
    no_args_is_help=True,
)
OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Folder for the pages; default: DOCS_DIR, relative to the project."
    ),
]


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
    prefix: Annotated[str, typer.Option(metavar="FOLDER", help="Folder in the bucket.")] = "docs/",
) -> None:
    """Upload the built site to the lake's bucket."""
    project = Project.load()
    folder = _folder(prefix, project)
    for key in site.publish_site(_site(project, out), project.s3, project.bucket, folder):
        typer.echo(f"s3://{project.bucket}/{key}")


def _folder(prefix: str, project: Project) -> str:
    """The folder of the pages, with a trailing slash.

    Raises:
        ConfigError: It is the bucket's root, or one of the lake's own.
    """
    folder, layout = prefix.strip("/") + "/", project.layout
    own = (layout.incremental, layout.manifests_root, layout.archive_root, layout.runs_root)
    if folder == "/" or folder.startswith((*own, layout.staging_root)):
        raise ConfigError(
            f"{prefix!r} cannot be used for the pages: it contains files of the lake",
            hint="tidemark docs publish --prefix docs/",
        )
    return folder


def _site(project: Project, out: Path | None) -> Path:
    """Where the pages are: as typed, else as set."""
    return out.resolve() if out else project.root / project.read(DocsSettings).docs_dir


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(docs, name="docs", rich_help_panel=Panel.LOOK)
