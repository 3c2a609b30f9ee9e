"""Rebuilds a landing table, from the source or from what the lake has.

What is passed over is identified by the names of the manifests that are there, not by time: S3,
MySQL and this machine have clocks of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tap_mysql.values.bookmark_facts import value_of
from tap_s3_parquet.bookmark import Bookmark, Mark
from tap_s3_parquet.index import Index
from target_redshift.staging.load_file import LoadFile
from target_redshift.warehouse.ledger import Ledger
from tidemark_core.errors import ConfigError
from tidemark_core.names import LANDING_SCHEMA, LEDGER_TABLE, TableName, landing_relation
from tidemark_core.redshift.connection import WarehouseConnection, connect
from tidemark_core.redshift.ledger import LEDGER_COPIES, LEDGER_FORGET_TABLE
from tidemark_core.text.documents import Json

from tidemark.config.project import Project
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.load_bookmark import describe
from tidemark.services.bookmarks.store import States
from tidemark.services.lake.ledger import refuse_other_copy, relation_exists
from tidemark.services.watermark.change import Change


@dataclass(frozen=True)
class PassedOver:
    """What the lake had of a table when its rebuild began.

    Attributes:
        files: The committed files, as entries of the ledger with 0 rows.
        bookmark: The load's bookmark that counts all of it as done.
    """

    files: Sequence[LoadFile]
    bookmark: Json


def require_known(project: Project, table: TableName) -> None:
    """Refuses a table of which there is nothing to rebuild.

    Raises:
        ConfigError: Neither the lake, nor landing, nor a bookmark knows it, it cannot be copied, or
            its name is that of another table's copy.
    """
    name = project.names.check(table)
    with connect(project.warehouse) as warehouse:
        refuse_other_copy(warehouse, table, name)
        exists = relation_exists(warehouse, LANDING_SCHEMA, name)
    states = States(project)
    streams = {stream for leg in Leg for stream in states.bookmarks(leg)}
    if exists or table.stream in streams or Index(project.location).manifests(table):
        return
    known = ", ".join(sorted(str(TableName.from_stream(stream)) for stream in streams))
    raise ConfigError(
        "no such table in the lake or in landing; nothing was changed",
        table=table,
        hint=f"choose one of: {known}" if known else "meltano run sync",
    )


def passed_over(project: Project, table: TableName) -> PassedOver:
    """What the load skips of a table whose source is read again.

    Except a newest commit without rows: the backup writes no other while the table stays empty.

    Raises:
        LakeError: The lake cannot be read.
    """
    index = Index(project.location)
    now = index.now()
    seen = index.manifests(table)
    manifests = [index.read(entry) for entry in seen]
    committed = {file.key for manifest in manifests for file in manifest.files}
    is_empty = bool(manifests) and not manifests[-1].rows
    if is_empty:
        seen, manifests = seen[:-1], manifests[:-1]
    # What lies there without a manifest, for S3_DISCOVER=listing.
    others = [entry for entry in index.files(table) if entry.key not in committed]
    done = [*seen, *others]
    bookmark = Bookmark(
        Mark().with_done(seen) if is_empty else Mark().with_done(seen).settled(seen, now),
        Mark().with_done(others).settled(others, now),
        newest=max((entry.moment for entry in done), default=None),
        last=done[-1].key if done else None,
    )
    files = [
        LoadFile(
            name=file.key,
            etag=file.etag,
            rows=0,
            size=file.size,
            extracted_at=manifest.extracted_at,
            run_id="rebuild",
            manifest=manifest.key(project.layout),
        )
        for manifest in manifests
        for file in manifest.files
    ]
    return PassedOver(files, bookmark.to_state())


def plan_rebuild(project: Project, table: TableName, passed: PassedOver | None) -> list[Change]:
    """The bookmarks with which both legs start afresh.

    The next backup reads the whole table. The load begins with what is committed from now on,
    because the older files in the lake have the types that no longer fit.

    Args:
        project: Where we are.
        table: The table.
        passed: What the load passes over; None: it begins with the lake's first file, and the
            backup goes on as it would have.
    """
    states = States(project)
    backup, load = (states.bookmarks(leg).get(table.stream) for leg in (Leg.BACKUP, Leg.LOAD))
    if passed is None:
        return [Change(Leg.LOAD, table, describe(load), "the first file of the lake", None)]
    new = "files committed from now on"
    return [
        Change(
            Leg.BACKUP, table, str(value_of(backup) or "nothing yet"), "from the beginning", None
        ),
        Change(Leg.LOAD, table, describe(load), new, passed.bookmark),
    ]


def drop_landing(project: Project, table: TableName, passed: PassedOver | None) -> None:
    """Drops a landing table and forgets its loads, in one transaction.

    The files that are passed over are written into the ledger with 0 rows: they are done,
    and nothing waits for a load that will never come.

    Args:
        project: Where we are.
        table: The table.
        passed: What the load passes over; None: every file will be loaded again.

    Raises:
        WarehouseError: The warehouse refused; nothing has changed.
    """
    name, what = project.names.of(table), "dropping the landing table"
    with connect(project.warehouse) as warehouse:
        known = relation_exists(warehouse, LANDING_SCHEMA, LEDGER_TABLE)
        warehouse.execute("BEGIN", what=what, table=table)
        for copy in {name, *(_copies(warehouse, table) if known else ())}:
            landing = landing_relation(copy)
            warehouse.execute(f"DROP TABLE IF EXISTS {landing}", what=what, table=table)
        if known:
            ledger = Ledger(warehouse, table, name)
            load_id = ledger.next_load_id()
            warehouse.execute(LEDGER_FORGET_TABLE, [str(table)], what=what, table=table)
            if passed is not None:
                ledger.add(passed.files, load_id=load_id, fence=0)
        warehouse.execute("COMMIT", what=what, table=table)


def _copies(warehouse: WarehouseConnection, table: TableName) -> list[str]:
    """The landing tables that a table was loaded into; LANDING_NAMES may have changed."""
    what = "reading the ledger"
    rows = warehouse.execute(LEDGER_COPIES, [str(table)], what=what, table=table)
    return [str(name) for (name,) in rows]
