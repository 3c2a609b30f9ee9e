"""What a resync need not do itself: the lake is built already, or a follower reads the rows."""

from __future__ import annotations

import time

from tap_mysql.values.own_part import OWN
from tidemark_core.errors import TidemarkError
from tidemark_core.names import TableName

from tidemark.config.project import Project
from tidemark.runner.leases import is_held
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.lake.built import built_loads
from tidemark.services.lake.catalogue import ask_ledger
from tidemark.services.lake.listing import read_manifests

#: Seconds in which a follower has read what differs, a long round before it included.
_PATIENCE = 180.0
_LOOK = 0.5


def is_settled(project: Project, table: TableName) -> bool:
    """Whether all that the lake has of a table is loaded and built; False if that is unknown."""
    try:
        commits = read_manifests(project.location, [table], client=project.s3).get(table, [])
        ledger, _ = ask_ledger(project, [table])
        built = built_loads(project, [table]).get(table, set())
    except TidemarkError:  # the load or the build says what is wrong
        return False
    if not ledger:
        return False
    committed = {file.key for commit in commits for file in commit.files}
    loads = {entry.load_id for entry in ledger}
    return committed <= {entry.file for entry in ledger} and loads <= built


def is_followed(project: Project) -> bool:
    """Whether a follower is running, of whatever tables.

    Raises:
        LakeError: S3 refused.
    """
    return is_held(project, project.layout.follow_lease_key())


def is_read_by_follower(project: Project, table: TableName) -> bool:
    """Waits until a follower has read the keys in a table's bookmark; False if it does not.

    Args:
        project: Where we are; the lease of jobs is not held.
        table: The table.

    Raises:
        TidemarkError: The state, or S3, cannot be read.
    """
    states, limit = States(project), time.monotonic() + _PATIENCE
    while True:
        own = states.bookmarks(Leg.BACKUP).get(table.stream, {}).get(OWN, {})
        if not own.get("again"):
            return True
        if time.monotonic() > limit or not is_followed(project):
            return False
        time.sleep(_LOOK)
