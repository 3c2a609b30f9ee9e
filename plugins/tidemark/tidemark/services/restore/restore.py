"""Rebuilds a table from the lake: the newest version of each key, checked after it was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from tap_mysql.values.own_part import OWN
from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.host.temporary_folder import temporary_folder
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import DELETED_AT, EXTRACTED_AT, TableName
from tidemark_core.s3.object_reader import ObjectReader

from tidemark.config.project import Project

_CHUNK = 8 << 20
_FORMATS = (".parquet", ".csv")


@dataclass(frozen=True)
class Restored:
    """What was rebuilt: rows, the versions that they were chosen from, and where they are."""

    table: str
    rows: int
    versions: int
    files: int
    target: str


def chosen(manifests: Sequence[Manifest], as_of: datetime | None) -> list[Manifest]:
    """The commits that a restore reads. Pure.

    For a table that was read whole, the newest copy; for one that is read from the log, the newest
    complete first load, and what came after it.

    Raises:
        LakeError: There is none, or no key that identifies the versions of a row.
    """
    found = [m for m in manifests if as_of is None or m.extracted_at <= as_of]
    if not found:
        raise LakeError("the lake has no data from that time", hint="tidemark explore")
    if found[-1].is_full_copy:
        return [m for m in found if m.extracted_at == found[-1].extracted_at]
    if not found[-1].key_properties:
        raise LakeError("the table has no key", table=found[-1].table)
    return _since_first_load(found) if found[-1].is_log_based else found


def _since_first_load(found: list[Manifest]) -> list[Manifest]:
    """Leaves out what came before the first load: rows deleted until then have no tombstone."""
    begun = [_first_load(manifest) for manifest in found]
    whole = [epoch for epoch, is_whole in begun if is_whole]
    if not whole:
        return found
    return [m for m, (epoch, _) in zip(found, begun, strict=True) if epoch == whole[-1]]


def _first_load(manifest: Manifest) -> tuple[object, bool]:
    """Which first load of the table a commit belongs to, and whether it was complete by then."""
    own = manifest.bookmark.get(OWN)
    own = own if isinstance(own, dict) else {}
    return own.get("epoch"), manifest.is_log_based and "first_load" not in own


@contextmanager
def newest_rows(project: Project, manifests: Sequence[Manifest]) -> Iterator[tuple[Any, int]]:
    """A DuckDB relation of the newest version of each key, and how many versions there were.

    The files are copied to this machine, one after the other; DuckDB spills to disk.
    """
    with temporary_folder("restore") as folder:
        connection = duckdb.connect(str(folder / "work.duckdb"))
        try:
            connection.execute("SET TimeZone = 'UTC'")
            versions = _fill(project, manifests, connection, folder)
            yield connection.sql(newest_sql(manifests[-1])), versions
        finally:
            connection.close()


def _fill(project: Project, manifests: Sequence[Manifest], connection: Any, folder: Path) -> int:
    names = list(manifests[-1].schema["properties"])
    made, versions, order = False, 0, 0
    for manifest in manifests:
        for file in manifest.files:
            order += 1
            local = folder / "file.parquet"
            reader = ObjectReader(project.s3, project.bucket, file.key, file.etag, file.size)
            with local.open("wb") as copy:
                while block := reader.read(_CHUNK):
                    copy.write(block)
            have = manifest.schema["properties"]
            # A column that came later is NULL in older files; one that went is left out.
            columns = ", ".join(
                f"{_name(n)}" if n in have else f"NULL AS {_name(n)}" for n in names
            )
            source = f"SELECT {columns}, {order} AS _order FROM read_parquet('{local}')"
            if made:
                connection.execute(f"INSERT INTO versions {source}")
            else:
                connection.execute(f"CREATE TABLE versions AS {source}")
                made = True
            versions += file.rows
            local.unlink()
    if not made:
        raise LakeError("the lake no longer has any of its files", table=manifests[-1].table)
    return versions


def newest_sql(newest: Manifest) -> str:
    """The newest version of each key: by the replication key, then by the order of commits.

    Rows from the log are ordered by the time of their reading, and deleted ones are left out.
    """
    names = ", ".join(map(_name, newest.columns))
    if newest.is_full_copy:
        return f"SELECT {names} FROM versions"
    keys = ", ".join(_name(key) for key in newest.key_properties)
    mark = newest.bookmark.get("replication_key")
    if newest.is_log_based:
        mark = EXTRACTED_AT
    by = f"{_name(str(mark))} DESC NULLS LAST, " if mark in newest.schema["properties"] else ""
    found = (
        f"SELECT * FROM versions "
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {by}_order DESC) = 1"
    )
    there = f" WHERE {_name(DELETED_AT)} IS NULL" if newest.is_log_based else ""
    return f"SELECT {names} FROM ({found}){there}"


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def to_file(rows: Any, path: Path) -> int:
    """Writes rows to a new .parquet or .csv file; returns how many it holds.

    Raises:
        ConfigError: It exists, or is of another kind.
    """
    if path.exists():
        raise ConfigError(f"{path} exists; nothing was written", hint="choose another file")
    if path.suffix not in _FORMATS:
        hint = "use a .parquet or .csv file"
        raise ConfigError(f"unsupported format {path.suffix!r}", hint=hint)
    if path.suffix == ".parquet":
        rows.write_parquet(str(path))
    else:
        rows.write_csv(str(path))
    read = duckdb.read_parquet if path.suffix == ".parquet" else duckdb.read_csv
    return int(read(str(path)).count("*").fetchall()[0][0])


def refuse_gaps(table: TableName, archived: Sequence[Manifest], *, accept: bool) -> None:
    """Refuses to restore if retention has removed files, without which rows are missing.

    Raises:
        LakeError: There are some, and the operator has not accepted it.
    """
    files = sum(len(manifest.files) for manifest in archived)
    if files and not accept:
        raise LakeError(
            f"retention has removed {files} files; rows that were only in those would be missing",
            table=table,
            hint="to restore what is left: --accept-incomplete",
        )
