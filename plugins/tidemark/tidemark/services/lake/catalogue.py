"""The lake's files with what the manifests and the warehouse's ledger say of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidemark_core.errors import ConfigError, TidemarkError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.redshift.connection import connect
from tidemark_core.s3.objects import ask_time

from tidemark.config.project import Project
from tidemark.services.lake.file_status import LakeFile, classify
from tidemark.services.lake.ledger import LedgerEntry, read_ledger
from tidemark.services.lake.listing import list_objects, read_manifests
from tidemark.services.lake.lost_files import lost_files


@dataclass(frozen=True)
class Catalogue:
    """What is in the lake.

    Attributes:
        files: Every Parquet file whose key fits the lake's grammar.
        foreign: Keys in the data folder that are not the lake's; they are left alone.
        manifests: By table, oldest first.
        ledger: Loaded files; None when the warehouse could not be asked.
        problem: Why it could not.
        now: The bucket's own time.
    """

    files: list[LakeFile]
    foreign: list[str]
    manifests: dict[TableName, list[Manifest]]
    ledger: list[LedgerEntry] | None
    problem: str | None
    now: datetime


def read_catalogue(project: Project, tables: Sequence[TableName] = ()) -> Catalogue:
    """Reads the lake and, if it can be reached, the warehouse.

    Args:
        project: Where we are.
        tables: Only these; empty: all.

    Raises:
        LakeError: The bucket cannot be read.
    """
    location, client = project.location, project.s3
    # The files first: one that is committed between the two looks is an orphan for a moment, and
    # young ones are never removed; the other way round it would look lost.
    objects, foreign = list_objects(location, tables, client=client)
    manifests = read_manifests(location, tables, client=client)
    ledger, problem = ask_ledger(project, tables)
    etags = None if ledger is None else {entry.file: entry.etag for entry in ledger}
    # One that was overwritten is still there: its new content must not be written off.
    there = {item.key for item in objects}
    odd = lost_files(project, objects, manifests)
    lost = {table: [f for f in files if f.key not in there] for table, files in odd.items()}
    files = classify(objects, manifests, etags, project.layout, lost)
    return Catalogue(files, foreign, manifests, ledger, problem, bucket_time(project))


def ask_ledger(
    project: Project, tables: Iterable[TableName] = ()
) -> tuple[list[LedgerEntry] | None, str | None]:
    """The ledger, or None and the reason why the warehouse did not answer."""
    try:
        with connect(project.warehouse) as warehouse:
            return read_ledger(warehouse, tables), None
    except TidemarkError as error:
        return None, error.message


def bucket_time(project: Project) -> datetime:
    """The time by the bucket's clock.

    Raises:
        LakeError: The bucket cannot be reached.
    """
    return ask_time(project.s3, project.bucket)


def require_known(
    tables: Iterable[TableName], known: Iterable[TableName], *, where: str = "the lake"
) -> None:
    """Refuses a table that is not known, usually a typo.

    Raises:
        ConfigError: There is no such table.
    """
    have = sorted(known)
    for table in tables:
        if table not in have:
            names = ", ".join(map(str, have))
            raise ConfigError(
                f"{where} has no such table",
                table=table,
                hint=f"choose one of: {names}" if names else "meltano run sync fills it",
            )


def is_copied(project: Project, table: TableName) -> bool:
    """Whether a table is read whole, by its newest commit.

    Raises:
        LakeError: The lake cannot be read.
    """
    manifests = read_manifests(project.location, [table], client=project.s3).get(table)
    return manifests is not None and manifests[-1].is_full_copy
