"""Both legs of a table in one view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tap_mysql.values.bookmark_facts import is_manual, place_of
from tidemark_core.errors import LakeError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.text.documents import Json

from tidemark.config.project import Project
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.lake.catalogue import ask_ledger
from tidemark.services.lake.ledger import LedgerEntry
from tidemark.services.lake.listing import read_archive, read_manifests
from tidemark.terminal.format import counted


@dataclass(frozen=True)
class Watermark:
    """A table's progress on both legs.

    Attributes:
        table: ``schema.table``.
        replication_key: The column of the bookmark.
        last_data: Replication key up to which the source has been read, or place in its log.
        last_extraction: When the newest commit was extracted.
        strategy: ``manual`` (set by hand, no run since), ``bookmark``, or ``-``.
        rows_extracted: Rows in all committed files, retired ones included.
        files_extracted: Their number.
        rows_loaded: Rows in the warehouse's ledger; None: the warehouse could not be asked.
        files_loaded: Files in it.
        files_waiting: Committed files that are not in it.
        last_load: When the newest load was committed.
        status: In words.
        waiting_since: When the oldest of the waiting files was extracted.
    """

    table: str
    replication_key: str | None
    last_data: str | int | None
    last_extraction: datetime | None
    strategy: str
    rows_extracted: int
    files_extracted: int
    rows_loaded: int | None
    files_loaded: int | None
    files_waiting: int | None
    last_load: datetime | None
    status: str
    waiting_since: datetime | None = None


def watermark(
    table: TableName,
    bookmark: Json | None,
    manifests: Sequence[Manifest],
    archived: Sequence[Manifest],
    ledger: Sequence[LedgerEntry] | None,
) -> Watermark:
    """Puts one table's view together. Pure.

    Args:
        table: The table.
        bookmark: Of the backup leg.
        manifests: Of this table, oldest first.
        archived: What retention has removed, likewise.
        ledger: This table's loaded files; None if unknown.
    """
    mark = None if bookmark is None else dict(bookmark)
    waiting_files = {file.key: file for manifest in manifests for file in manifest.files}
    gone = {file.key: file for manifest in archived for file in manifest.files}
    everything = gone | waiting_files
    loaded = None if ledger is None else {entry.file: entry for entry in ledger}
    left = set() if loaded is None else waiting_files.keys() - loaded.keys()
    waiting = None if loaded is None else len(left)
    since = (m.extracted_at for m in manifests if any(file.key in left for file in m.files))
    times = [manifest.extracted_at for manifest in (*archived, *manifests)]
    loads = [entry.loaded_at for entry in ledger or [] if entry.loaded_at]
    manual = is_manual(mark)
    return Watermark(
        table=str(table),
        replication_key=(mark or {}).get("replication_key"),
        last_data=place_of(mark),
        last_extraction=max(times, default=None),
        strategy="manual" if manual else ("bookmark" if mark else "-"),
        rows_extracted=sum(file.rows for file in everything.values()),
        files_extracted=len(everything),
        rows_loaded=None if loaded is None else sum(e.rows for e in loaded.values()),
        files_loaded=None if loaded is None else len(loaded),
        files_waiting=waiting,
        last_load=max(loads, default=None),
        status=_status(mark, manual, waiting, bool(everything)),
        waiting_since=min(since, default=None),
    )


def _status(bookmark: Json | None, manual: bool, waiting: int | None, has_files: bool) -> str:
    if manual:
        start = "set by hand: the next backup starts there"
    elif bookmark is None:
        start = "reset: the next backup reads everything" if has_files else "never backed up"
    elif place_of(bookmark) is None:
        start = "first backup unfinished: the next one continues it"
    else:
        start = "backed up"
    if waiting is None:
        return f"{start}; loads unknown"
    if waiting:
        return f"{start}; {counted(waiting, 'file')} to be loaded"
    return f"{start}; all loaded" if has_files else start


def read_watermarks(
    project: Project, tables: Iterable[TableName] = ()
) -> tuple[dict[TableName, Watermark], list[str]]:
    """The view of some tables, or of all that have a bookmark or files.

    Returns:
        The views, and what could not be read: why the warehouse could not be asked, which manifests
        are not valid.
    """
    wanted = list(tables)
    marks = States(project).bookmarks(Leg.BACKUP)
    broken: list[LakeError] = []
    manifests = read_manifests(project.location, wanted, client=project.s3, broken=broken)
    archive = read_archive(project.location, wanted, client=project.s3, broken=broken)
    ledger, problem = ask_ledger(project, wanted)
    every = wanted or sorted(
        {TableName.from_stream(stream) for stream in marks} | manifests.keys() | archive.keys()
    )
    found = {
        table: watermark(
            table,
            marks.get(table.stream),
            manifests.get(table, []),
            archive.get(table, []),
            None if ledger is None else [entry for entry in ledger if entry.table == str(table)],
        )
        for table in every
    }
    said = [f"could not ask the warehouse what is loaded: {problem}"] if problem else []
    return found, said + [str(error) for error in broken]
