"""The other way of loading: COPY reads the lake's Parquet files as they are.

COPY matches Parquet columns by position and cannot add any
(https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-columnar.html). So files
are grouped by their columns' order and their time of extraction, and each group goes through a
stage table whose columns are the files', in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.lake.parquet_reader import open_parquet
from tidemark_core.s3.object_reader import ObjectReader
from tidemark_core.types.arrow import to_arrow

from target_redshift.model.landing_table import ROW_COLUMNS, Column, LandingTable
from target_redshift.staging.area import put_copy_manifest
from target_redshift.staging.csv_stager import Staged
from target_redshift.staging.load_file import COMPARE, LoadFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class UnfitError(ConfigError):
    """COPY cannot read the files as they are."""


@dataclass(frozen=True)
class CopyGroup:
    """Files that one COPY reads.

    Attributes:
        manifest: URL of their COPY manifest.
        rows: Rows in them.
        moment: When they were extracted.
        columns: Their columns, in their order.
    """

    manifest: str
    rows: int
    moment: datetime
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class StagedParquet(Staged):
    """A load of the lake's own files; only the COPY manifests are staged."""

    groups: tuple[CopyGroup, ...] = ()


def stage_parquet(
    client: S3Client, bucket: str, prefix: str, landing: LandingTable, files: Sequence[LoadFile]
) -> StagedParquet:
    """Writes the COPY manifests of the lake's own files.

    Raises:
        UnfitError: A file is not in the lake, or COPY cannot read its types.
        LakeError: A file cannot be read, or has a column that its schema does not name.
    """
    if landing.has_super:
        raise UnfitError(
            "COPY from Parquet does not parse JSON for SUPER columns",
            table=landing.table,
            hint="set LOAD_FORMAT=csv, or auto",
        )
    grouped: dict[tuple[datetime, tuple[Column, ...]], list[LoadFile]] = {}
    for file in files:
        if not file.bucket:
            raise UnfitError(
                "LOAD_FORMAT=parquet only reads files of the lake",
                table=landing.table,
                hint="set LOAD_FORMAT=csv, or load through target-s3-parquet",
            )
        if file.rows:
            schema = read_schema(client, file, landing)
            key = (file.extracted_at, fitting_columns(landing, file, schema))
            grouped.setdefault(key, []).append(file)
    groups = []
    for number, ((moment, columns), members) in enumerate(sorted(grouped.items(), key=_by_moment)):
        entries = [(file.name, file.size) for file in members]
        manifest = put_copy_manifest(client, bucket, f"{prefix}{number:04d}-", entries)
        rows = sum(file.rows for file in members)
        groups.append(CopyGroup(manifest, rows, moment, columns))
    return StagedParquet(
        prefix=prefix,
        manifest="",
        rows=sum(file.rows for file in files),
        parts=len(files),
        size=sum(file.size for file in files),
        marker="",
        groups=tuple(groups),
    )


def _by_moment(item: tuple[tuple[datetime, tuple[Column, ...]], list[LoadFile]]) -> datetime:
    return item[0][0]


def read_schema(client: S3Client, file: LoadFile, landing: LandingTable) -> pa.Schema:
    """Reads a file's footer, and no more of it.

    Raises:
        LakeError: S3 refused, or it is not a Parquet file, or does not have the rows it should.
    """
    size = file.size or None
    reader = ObjectReader(client, file.bucket, file.name, file.etag or None, size)
    with open_parquet(reader, file.name, landing.table, COMPARE) as parquet:
        metadata = parquet.metadata
    if metadata.num_rows != file.rows:
        raise LakeError(
            f"{file.name} has {metadata.num_rows} rows, its manifest says {file.rows}",
            table=landing.table,
            hint="nothing from it was loaded; read the table again in full",
        )
    return metadata.schema.to_arrow_schema()


def fitting_columns(landing: LandingTable, file: LoadFile, schema: pa.Schema) -> tuple[Column, ...]:
    """The landing table's columns in a file's order, with the metadata of its rows.

    Raises:
        UnfitError: A column has a type that would have to be converted first.
        LakeError: The file has a column that the schema does not name.
    """
    known = {column.source: column for column in (*landing.columns, *ROW_COLUMNS)}
    columns = []
    for field in schema:
        column = known.get(field.name)
        if column is None:
            raise LakeError(
                f"{file.name} has a column that its manifest's schema does not name",
                table=landing.table,
                column=field.name,
            )
        if field.type != to_arrow(column.type):
            raise UnfitError(
                f"COPY would have to convert {field.type} to {column.type}",
                table=landing.table,
                column=field.name,
                hint="set LOAD_FORMAT=csv",
            )
        columns.append(column)
    return tuple(columns)
