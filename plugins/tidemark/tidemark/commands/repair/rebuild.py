"""tidemark rebuild: makes a landing table again, when its source has become another table."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemark.commands.options import BareArgument, NamedOption
from tidemark.config.project import Project
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.lake.listing import read_archive
from tidemark.terminal.console import (
    Format,
    FormatOption,
    Panel,
    YesOption,
    confirm,
    one_table,
    print_json,
    teller,
)


def rebuild(
    table: NamedOption = None,
    bare: BareArgument = None,
    from_lake: Annotated[
        bool,
        typer.Option(
            "--from-lake", help="Load the lake's files again, without reading the source."
        ),
    ] = False,
    accept_incomplete: Annotated[
        bool,
        typer.Option("--accept-incomplete", help="Proceed even if retention has removed files."),
    ] = False,
    yes: YesOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Drop a landing table and read the source again, for incompatible type changes.

    With --from-lake, every file of the lake is loaded again instead, to restore rows that landing
    has lost or retention has removed. The lake is not changed, nor is the public table until the
    next build.
    """
    from tidemark.services.lake.catalogue import is_copied
    from tidemark.services.restore.landing import (
        drop_landing,
        passed_over,
        plan_rebuild,
        require_known,
    )
    from tidemark.services.restore.restore import refuse_gaps

    project = Project.load()
    name = project.table(one_table(table, bare))
    require_known(project, name)
    if from_lake and not is_copied(project, name):
        archived = read_archive(project.location, [name], client=project.s3).get(name, [])
        refuse_gaps(name, archived, accept=accept_incomplete)
    tell = teller(format)
    passed = None if from_lake else passed_over(project, name)
    changes = plan_rebuild(project, name, passed)
    for change in changes:
        tell(str(change))
    then = "loaded again" if from_lake else "passed over from now on"
    tell(f"landing.{project.names.of(name)}: removed, and all that was loaded into it {then}")
    confirm("Rebuild it?", yes=yes)
    states = States(project)
    # The bookmarks first: a rebuild that is cut off in the middle is finished by doing it again,
    # and a load in between finds no file to put into the old table.
    for change in changes:
        states.change(change.leg, name, change.bookmark)
    with states.held([name], Leg.LOAD):
        drop_landing(project, name, passed)
    only = " --redshift-only" if from_lake else ""
    following = f"tidemark sync -t {name}{only}"
    tell(f"Next: {following}")
    if format is Format.JSON:
        told = [{"leg": change.leg, "old": change.old, "new": change.new} for change in changes]
        print_json({"table": str(name), "changes": told, "next": following})


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        epilog="Example:\n\n  tidemark rebuild -t settlement.partner_info --yes",
        rich_help_panel=Panel.REPAIR,
    )(rebuild)
