"""What each file of the lake is, and which may be removed. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tidemark_core.errors import ConfigError
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.lake.manifest import Manifest, ManifestFile
from tidemark_core.names import TableName

#: What a data file's name begins with.
_TIME = re.compile(r"^\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_", re.ASCII)
#: A file that was uploaded a moment ago may belong to a run that has not committed yet.
ORPHAN_AGE = timedelta(hours=1)


class Status(StrEnum):
    """What a file is to the pipeline."""

    LOADED = "loaded"
    WAITING = "waiting"
    UNKNOWN = "committed"
    ORPHAN = "orphan"
    LOST = "lost"


@dataclass(frozen=True)
class LakeObject:
    """A Parquet file as the bucket lists it; its key has been read by the lake's grammar."""

    key: str
    table: TableName
    extracted_at: datetime
    size: int
    etag: str
    modified: datetime


@dataclass(frozen=True)
class LakeFile:
    """A Parquet file and what is known of it.

    Attributes:
        status: ``loaded`` (committed, and in the warehouse's ledger), ``waiting`` (committed, not
            in the ledger), ``committed`` (the ledger could not be asked), ``orphan`` (in no
            manifest: never loaded), ``lost`` (in a manifest, and gone from the bucket or written
            over).
        rows: From its manifest.
        manifest: Key of its manifest.
    """

    key: str
    table: TableName
    extracted_at: datetime
    size: int
    modified: datetime
    status: Status
    rows: int | None = None
    manifest: str | None = None


@dataclass(frozen=True)
class Rules:
    """Which files a cleaning is after.

    Attributes:
        older_than: Least age, by the time of the last modification.
        pattern: Glob, see `matches`.
        prefix: The key must start with it.
        statuses: Only these.
        include_unloaded: Committed files that have not been loaded too.
        lost: Write off what manifests name and the bucket does not have, and nothing else.
    """

    older_than: timedelta | None = None
    pattern: str | None = None
    prefix: str | None = None
    statuses: frozenset[Status] = frozenset(Status)
    include_unloaded: bool = False
    lost: bool = False


@dataclass(frozen=True)
class Selection:
    """What a cleaning would remove, and how many files it leaves for which reason."""

    remove: tuple[LakeFile, ...]
    kept: Mapping[str, int]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.remove)


def classify(
    objects: Iterable[LakeObject],
    manifests: Mapping[TableName, Sequence[Manifest]],
    ledger: Mapping[str, str] | None,
    layout: LakeLayout,
    lost: Mapping[TableName, Sequence[ManifestFile]] | None = None,
) -> list[LakeFile]:
    """Says of each file whether it is committed and loaded.

    Args:
        objects: What the bucket lists.
        manifests: All manifests of the objects' tables.
        ledger: ETag of each loaded file, by key; None when the warehouse could not be asked.
        layout: The lake.
        lost: Files that manifests name and the bucket does not have, by table.
    """
    owners = {
        file.key: (manifest.key(layout), file.rows)
        for table in manifests.values()
        for manifest in table
        for file in manifest.files
    }
    gone = {file.key: file for files in (lost or {}).values() for file in files}
    found = [
        _lost(table, file, owners, layout)
        for table, files in (lost or {}).items()
        for file in files
    ]
    for item in objects:
        if item.key in gone:
            continue
        manifest, rows = owners.get(item.key, (None, None))
        if manifest is None:
            status = Status.ORPHAN
        elif ledger is None:
            status = Status.UNKNOWN
        else:
            loaded = ledger.get(item.key, "").strip('"') == item.etag
            status = Status.LOADED if loaded else Status.WAITING
        found.append(
            LakeFile(
                key=item.key,
                table=item.table,
                extracted_at=item.extracted_at,
                size=item.size,
                modified=item.modified,
                status=status,
                rows=rows,
                manifest=manifest,
            )
        )
    return sorted(found, key=lambda file: (file.table, file.extracted_at, file.key))


def _lost(
    table: TableName,
    file: ManifestFile,
    owners: Mapping[str, tuple[str, int]],
    layout: LakeLayout,
) -> LakeFile:
    """A file that is gone: only its time of extraction says how old it is."""
    moment = layout.parse_data_key(file.key).moment
    return LakeFile(
        file.key, table, moment, file.size, moment, Status.LOST, file.rows, owners[file.key][0]
    )


def select(
    files: Iterable[LakeFile],
    rules: Rules,
    *,
    now: datetime,
    tables: Iterable[TableName],
    layout: LakeLayout,
) -> Selection:
    """Chooses the files to remove. Everything that is not certainly allowed is kept.

    Args:
        files: From `classify`.
        rules: What is wanted.
        now: The bucket's own time.
        tables: The tables that may lose files; empty: every table of the lake.
        layout: The lake.
    """
    wanted, remove, kept = frozenset(tables), [], Counter[str]()
    for file in files:
        reason = _reason_to_keep(file, rules, now, wanted, layout)
        if reason is None:
            remove.append(file)
        else:
            kept[reason] += 1
    return Selection(tuple(remove), dict(kept))


def _reason_to_keep(
    file: LakeFile, rules: Rules, now: datetime, tables: frozenset[TableName], layout: LakeLayout
) -> str | None:
    named = layout.parse_data_key(file.key)
    age = now - file.modified
    if named.table != file.table or (tables and named.table not in tables):
        return "another table's"
    if rules.prefix and not file.key.startswith(rules.prefix):
        return "outside the prefix"
    if rules.pattern and not matches(file.key, rules.pattern):
        return "does not match the pattern"
    if rules.older_than is not None and age < rules.older_than:
        return "too young"
    if rules.lost or file.status is Status.LOST:
        return None if rules.lost and file.status is Status.LOST else f"{file.status}: not selected"
    if file.status not in rules.statuses:
        return f"{file.status}: not selected"
    if file.status is Status.ORPHAN and age < ORPHAN_AGE:
        return "uploaded within the last hour; its run may still commit it"
    if file.status is Status.WAITING and not rules.include_unloaded:
        return "committed, not loaded yet"
    if file.status is Status.UNKNOWN and not rules.include_unloaded:
        return "committed, but the warehouse could not be asked whether it is loaded"
    return None


def matches(key: str, pattern: str) -> bool:
    """Whether a glob fits: the file's name, or the whole key when the pattern has a slash.

    A name is tried with and without the time that it begins with: ``batch_*`` fits
    ``2025-07-28_20-12-03_batch_0001.parquet``.
    """
    if "/" in pattern:
        return fnmatch.fnmatchcase(key, pattern)
    name = key.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(text, pattern) for text in (name, _TIME.sub("", name)))


def checked_prefix(prefix: str, layout: LakeLayout) -> str:
    """Makes sure that a prefix is inside the lake's data folder.

    Raises:
        ConfigError: It is empty, the bucket's root, or another folder.
    """
    given = prefix.strip().removeprefix("/")
    if not given.startswith(layout.incremental) or ".." in given.split("/"):
        raise ConfigError(
            f"the prefix {prefix!r} is not inside the lake's data folder {layout.incremental!r}; "
            "nothing was removed",
            hint=f"name a folder such as {layout.incremental}, or use tidemark s3clean -t TABLE",
        )
    return given
