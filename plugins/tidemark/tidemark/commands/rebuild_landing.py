"""tidemark rebuild: a landing table anew, when its source has become another table."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemark.console import YesOption, confirm, console
from tidemark.project import Project
from tidemark.services.bookmarks import Leg
from tidemark.services.catalogue import bucket_time
from tidemark.services.relanding import drop_landing, plan_rebuild
from tidemark.services.states import States


def rebuild(
    table: Annotated[str, typer.Argument(help="Such as settlement.partner_info.")],
    yes: YesOption = False,
) -> None:
    """Drop a table's landing table and read the source anew: for types that no longer fit.

    The lake keeps every file, and the public table stays as it is until the next build.
    """
    project = Project.load()
    name = project.table(table)
    out, mark = console(), bucket_time(project)
    changes = plan_rebuild(project, name, mark)
    for change in changes:
        out.print(f"{name}, {change.leg}: {change.old} → {change.new}", markup=False)
    out.print(
        f"landing.{name.landing}: removed, and all that was loaded into it passed over from now on",
        markup=False,
    )
    confirm("Rebuild it?", yes=yes)
    states = States(project)
    # The bookmarks first: a rebuild that is cut off in the middle is finished by doing it again,
    # and a load in between finds no file to put into the old table.
    for change in changes:
        states.change(change.leg, name, change.bookmark)
    with states.held([name], Leg.LOAD):
        drop_landing(project, name, mark)
    out.print(f"Next: tidemark sync -t {name}", markup=False)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example:\n\n  tidemark rebuild settlement.partner_info --yes")(rebuild)
