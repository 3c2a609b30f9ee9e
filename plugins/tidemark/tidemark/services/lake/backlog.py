"""What the next load would take, by the tap's own backlog, so that it is what the load does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tap_s3_parquet.backlog import Backlog
from tap_s3_parquet.bookmark import Bookmark
from tap_s3_parquet.index import Index
from tap_s3_parquet.settings import TapSettings
from tidemark_core.names import TableName
from tidemark_core.text.documents import Json
from tidemark_core.typed_settings import read

from tidemark.config.project import Project
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.lake.catalogue import ask_ledger
from tidemark.services.lake.listing import read_manifests


class NextLoad:
    """Reads the lake as tap-s3-parquet does.

    Args:
        project: Where we are.
        marks: The bookmarks of the load leg, by stream.
    """

    def __init__(self, project: Project, marks: Mapping[str, Json]) -> None:
        self._index = Index(project.location)
        self._marks = marks
        settings = read(TapSettings, {}, project.environ)
        self._listing = settings.s3_discover == "listing"
        self._start = settings.start_time

    def files(self, table: TableName) -> set[str]:
        """The keys of the files that the next load is handed; it skips those in the ledger.

        Raises:
            StateError: The bookmark cannot be read.
            LakeError: Something in the lake cannot be handed over.
        """
        bookmark = Bookmark.from_state(self._marks.get(table.stream, {}), table)
        backlog = Backlog(self._index, table, bookmark, start=self._start, listing=self._listing)
        return {file.key for commit in backlog.commits() for file in commit.files}


@dataclass(frozen=True)
class Waiting:
    """What a load of one table would do.

    Attributes:
        table: ``schema.table``.
        files: Files that it would load; if the ledger is unknown, those that it is handed.
        files_waiting: Committed files that are not in the ledger; None: the ledger is unknown.
        left: How many of them it would leave, because they lie before its bookmark.
    """

    table: str
    files: int
    files_waiting: int | None
    left: int


def read_waiting(project: Project, tables: Iterable[TableName]) -> tuple[list[Waiting], str | None]:
    """What a load of some tables would do, and why the warehouse could not be asked, if so.

    Raises:
        StateError: A bookmark cannot be read.
        LakeError: The lake cannot be read.
    """
    wanted = list(tables)
    ledger, problem = ask_ledger(project, wanted)
    loaded = {entry.file for entry in ledger or ()}
    manifests = read_manifests(project.location, wanted, client=project.s3)
    load = NextLoad(project, States(project).bookmarks(Leg.LOAD))
    found = []
    for table in wanted:
        committed = {file.key for commit in manifests.get(table, ()) for file in commit.files}
        handed, waiting = load.files(table) - loaded, committed - loaded
        known = ledger is not None
        found.append(
            Waiting(
                str(table),
                len(handed),
                len(waiting) if known else None,
                len(waiting - handed) if known else 0,
            )
        )
    return found, problem
