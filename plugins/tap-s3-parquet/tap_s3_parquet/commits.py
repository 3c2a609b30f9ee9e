"""Units to pass on: the files of a manifest, or a file without one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidemark_core.errors import LakeError, TidemarkError
from tidemark_core.lake.layout import RUN_METADATA
from tidemark_core.lake.manifest import Manifest, ManifestFile
from tidemark_core.lake.parquet_reader import open_parquet
from tidemark_core.names import TableName
from tidemark_core.s3.object_reader import ObjectReader
from tidemark_core.text.moments import to_second
from tidemark_core.types.singer_schema import to_json_schema
from tidemark_singer.files.batch_file import BatchFile

from tap_s3_parquet.bookmark import Entry
from tap_s3_parquet.index import Index

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Commit:
    """Files that became loadable together.

    Attributes:
        entries: The entries that are done once the files have been handed over.
        schema: The Singer schema of their rows.
        key_properties: Primary key; None if unknown.
        files: The files.
        extracted_at: UTC second of the extraction.
        manifest: The manifest; None: the files never had one.
    """

    entries: tuple[Entry, ...]
    schema: dict[str, Any]
    key_properties: tuple[str, ...] | None
    files: tuple[ManifestFile, ...]
    extracted_at: datetime
    manifest: Manifest | None = None

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def replication_key(self) -> str | None:
        """The column by which the extraction is bookmarked; None if unknown."""
        named = self.manifest.bookmark.get("replication_key") if self.manifest else None
        return named if isinstance(named, str) and named in self.schema["properties"] else None

    @property
    def replication_method(self) -> str | None:
        """How the rows were read; None if unknown."""
        return self.manifest.replication_method if self.manifest else None

    def is_like(self, other: Commit) -> bool:
        """Whether both can be loaded as one."""
        return (
            list(self.schema["properties"].items()) == list(other.schema["properties"].items())
            and self.key_properties == other.key_properties
            and self.replication_key == other.replication_key
            and self.replication_method == other.replication_method
        )

    def batch_files(self, bucket: str) -> Iterator[BatchFile]:
        """The files as a BATCH message names them, with what is known of each."""
        for file in self.files:
            facts: dict[str, object] = {
                "rows": file.rows,
                "etag": file.etag,
                "bytes": file.size,
                "extracted_at": to_second(self.extracted_at),
            }
            if self.manifest is not None:
                facts["manifest"] = self.entries[0].key
                facts["run_id"] = self.manifest.run_id
                facts["fence"] = self.manifest.fence
            yield BatchFile.s3(bucket, file.key, **facts)


def from_manifest(index: Index, entry: Entry) -> Commit:
    """Reads a manifest.

    Raises:
        LakeError: It is not one, or names what is not its table's.
    """
    manifest = index.read(entry)
    return Commit(
        (entry,),
        dict(manifest.schema),
        manifest.key_properties,
        manifest.files,
        manifest.extracted_at,
        manifest,
    )


def from_file(index: Index, table: TableName, entry: Entry) -> Commit | None:
    """Reads the footer of a file that no manifest names.

    Returns:
        The file by itself; None when it is an orphan: ours, but never committed.

    Raises:
        LakeError: It is not a Parquet file, or has a column that no warehouse can hold.
    """
    reader = ObjectReader(index.client, index.bucket, entry.key)
    if RUN_METADATA in reader.metadata:
        logger.info("%s was never committed; skipped", entry.key, extra={"table": str(table)})
        return None
    from tidemark_core.types.arrow import from_arrow  # imports Arrow, as `open_parquet` does

    with open_parquet(reader, entry.key, table) as file:
        properties = {}
        for field in file.schema_arrow:
            try:
                properties[field.name] = to_json_schema(from_arrow(field.type))
            except TidemarkError as error:
                raise LakeError(
                    f"{entry.key}: {error.message}", table=table, column=field.name
                ) from error
        rows = file.metadata.num_rows
    return Commit(
        (entry,),
        {"type": "object", "properties": properties},
        None,
        (ManifestFile(entry.key, rows, reader.size, reader.etag),),
        entry.moment,
    )


def loads(commits: Iterator[Commit], rows: int) -> Iterator[Sequence[Commit]]:
    """Puts commits of one schema together until they hold about as many rows as asked for.

    Args:
        commits: In the order in which they are to be handed over.
        rows: Rows at which a load is large enough; a commit is never split.
    """
    load: list[Commit] = []
    for commit in commits:
        full = sum(one.rows for one in load) + commit.rows > rows
        if load and (full or not load[-1].is_like(commit)):
            yield load
            load = []
        load.append(commit)
    if load:
        yield load
