"""What is in a table's files: from Parquet's own statistics first, then from a sample."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tidemark_core.lake.manifest import Manifest, ManifestFile
from tidemark_core.lake.parquet_reader import open_parquet
from tidemark_core.s3.object_reader import ObjectReader
from tidemark_core.types.singer_schema import from_json_schema

from tidemark.config.project import Project
from tidemark.services.lake.lost_files import refuse_lost

#: In place of a value that must not be shown.
_MASK = "***"


@dataclass(frozen=True)
class ColumnProfile:
    """A column.

    Attributes:
        column: As the source spells it.
        type: Its type.
        nulls: NULLs in all files looked at; None: a file has no statistics of it.
        distinct: Different values in the sample.
        minimum: Least value, from the statistics.
        maximum: Greatest value.
    """

    column: str
    type: str
    nulls: int | None
    distinct: int | None
    minimum: str | None
    maximum: str | None


@dataclass(frozen=True)
class Inspection:
    """A table's content.

    Attributes:
        table: ``schema.table``.
        rows: Rows in the files looked at.
        files: Their number.
        key: Primary key.
        columns: Of the newest schema.
        sampled: Rows in which different values were counted: the first of the newest file.
        sample: The first of them.
        findings: What looks wrong, in words.
    """

    table: str
    rows: int
    files: int
    key: tuple[str, ...]
    columns: tuple[ColumnProfile, ...]
    sampled: int
    sample: tuple[dict[str, Any], ...]
    findings: tuple[str, ...]


@dataclass
class _Statistics:
    nulls: int | None = 0
    minimum: Any = None
    maximum: Any = None

    def add(self, nulls: int | None, minimum: Any, maximum: Any) -> None:
        known = self.nulls is not None and nulls is not None
        self.nulls = self.nulls + nulls if known else None  # type: ignore[operator]
        if minimum is not None:
            self.minimum = minimum if self.minimum is None else min(self.minimum, minimum)
        if maximum is not None:
            self.maximum = maximum if self.maximum is None else max(self.maximum, maximum)


def inspect(
    project: Project, manifests: Sequence[Manifest], *, sample_rows: int, newest_files: int
) -> Inspection:
    """Looks into a table.

    Args:
        project: Where we are.
        manifests: The table's, oldest first.
        sample_rows: Rows to show.
        newest_files: Files whose statistics are read, the newest ones.

    Raises:
        LakeError: A file is not what its manifest says, or is gone.
    """
    newest = manifests[-1]
    refuse_lost(project, newest.table, manifests)
    files = [file for manifest in manifests for file in manifest.files][-newest_files:]
    statistics: dict[str, _Statistics] = {}
    sample = pa.table({})
    rows = 0
    for file in files:
        with open_parquet(_reader(project, file), file.key, newest.table) as parquet:
            rows += parquet.metadata.num_rows
            collect(parquet.metadata, statistics)
            if file is files[-1]:
                sample = _head(parquet)
    return summarise(newest, statistics, sample, rows, len(files), sample_rows)


def _reader(project: Project, file: ManifestFile) -> ObjectReader:
    return ObjectReader(project.s3, project.bucket, file.key, file.etag, file.size)


def _head(parquet: pq.ParquetFile, rows: int = 10_000) -> pa.Table:
    for batch in parquet.iter_batches(batch_size=rows):
        return pa.Table.from_batches([batch])
    return parquet.schema_arrow.empty_table()


def collect(metadata: pq.FileMetaData, statistics: dict[str, _Statistics]) -> None:
    """Adds a file's statistics, row group by row group."""
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            own = statistics.setdefault(chunk.path_in_schema, _Statistics())
            found = chunk.statistics if chunk.is_stats_set else None
            if found is None:
                own.add(None, None, None)
            else:
                has = found.has_min_max
                is_counted = found.has_null_count  # type: ignore[attr-defined]  # misspelt in the stubs
                own.add(
                    found.null_count if is_counted else None,
                    found.min if has else None,
                    found.max if has else None,
                )


def summarise(
    newest: Manifest,
    statistics: Mapping[str, _Statistics],
    sample: pa.Table,
    rows: int,
    files: int,
    sample_rows: int,
) -> Inspection:
    """Puts the inspection together. Pure."""
    profiles = []
    for name, schema in newest.columns.items():
        own = statistics.get(name, _Statistics(None))
        distinct = pc.count_distinct(sample[name]).as_py() if name in sample.column_names else None
        profiles.append(
            ColumnProfile(
                name,
                str(from_json_schema(schema)),
                own.nulls,
                distinct,
                _text(own.minimum),
                _text(own.maximum),
            )
        )
    return Inspection(
        str(newest.table),
        rows,
        files,
        newest.key_properties,
        tuple(profiles),
        sample.num_rows,
        tuple(sample.slice(0, sample_rows).to_pylist()),
        tuple(findings(newest, statistics, sample, rows)),
    )


def findings(
    newest: Manifest, statistics: Mapping[str, _Statistics], sample: pa.Table, rows: int
) -> list[str]:
    """What looks wrong. Pure."""
    found = []
    for name, own in statistics.items():
        if rows and own.nulls == rows:
            found.append(f"{name} is NULL in every row")
        if name in newest.key_properties and own.nulls:
            found.append(f"key column {name} is NULL in {own.nulls} rows")
        future = isinstance(own.maximum, datetime) and own.maximum > newest.extracted_at.replace(
            tzinfo=own.maximum.tzinfo
        )
        if future:
            found.append(f"{name} has values in the future: {own.maximum}")
    keys = [key for key in newest.key_properties if key in sample.column_names]
    if keys and sample.num_rows:
        different = sample.select(keys).group_by(keys).aggregate([]).num_rows
        if different < sample.num_rows:
            found.append(f"{sample.num_rows - different} rows of the sample have a duplicate key")
    for column, reasons in newest.conversions.items():
        for reason, count in reasons.items():
            found.append(f"{column}: {count} values were altered by the last backup ({reason})")
    if not newest.key_properties:
        found.append("the table has no primary key: versions of a row cannot be matched")
    return found


def masked(found: Inspection, patterns: Sequence[str]) -> Inspection:
    """Masks the values of some columns; whether there is a value still shows. Pure.

    Args:
        found: What was found.
        patterns: Of ``column``, ``table.column`` or ``schema.table.column``, whatever their case.
    """
    hidden = {c.column for c in found.columns if _fits(found.table, c.column, patterns)}
    columns = tuple(
        replace(c, minimum=c.minimum and _MASK, maximum=c.maximum and _MASK)
        if c.column in hidden
        else c
        for c in found.columns
    )
    sample = tuple(
        {n: _MASK if n in hidden and value is not None else value for n, value in row.items()}
        for row in found.sample
    )
    return replace(found, columns=columns, sample=sample)


def _fits(table: str, column: str, patterns: Sequence[str]) -> bool:
    bare = table.partition(".")[2] or table
    names = [name.lower() for name in (column, f"{bare}.{column}", f"{table}.{column}")]
    return any(fnmatch.fnmatchcase(n, str(p).lower()) for n in names for p in patterns)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else str(value)[:60]
