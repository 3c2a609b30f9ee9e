"""The contents of the lake: tables, manifests, and files without a manifest."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.errors import explained
from tidemark_core.s3.manifest_listing import ListedManifest, ManifestListing
from tidemark_core.s3.objects import ask_time, list_keys, read_document

from tap_s3_parquet.bookmark import Entry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)


class Index:
    """Reads what is in the lake; keys outside its grammar are skipped with a warning.

    Args:
        place: The lake.
    """

    def __init__(self, place: S3Location) -> None:
        self.bucket = place.bucket
        self.layout = place.layout
        self.client: S3Client = place.client()
        self._listing = ManifestListing(self.client, self.bucket, self.layout)

    def now(self) -> datetime:
        """S3's own time."""
        return ask_time(self.client, self.bucket)

    def tables(self, *, listing: bool) -> list[TableName]:
        """Tables that have manifests, or with ``listing`` data files."""
        root = self.layout.incremental if listing else self.layout.manifests_root
        found = []
        with explained(f"listing s3://{self.bucket}/{root}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=root, Delimiter="/"
            )
            folders = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
        for folder in folders:
            try:
                found.append(TableName.from_lake(folder.removeprefix(root).rstrip("/")))
            except ConfigError:
                logger.warning("s3://%s/%s is not a table's folder; skipped", self.bucket, folder)
        return sorted(found)

    def manifests(self, table: TableName, *, since: datetime | None = None) -> list[Entry]:
        """A table's manifests, by the time of extraction; all, or of extractions since a moment."""
        return [self._entry(found) for found in self._listing.since(table, since)]

    def newest(self, table: TableName) -> Entry | None:
        """The manifest of a table's newest extraction; None: there is none."""
        found = self._listing.newest(table)
        return None if found is None else self._entry(found)

    def _entry(self, found: ListedManifest) -> Entry:
        named = found.named
        name = found.key.removeprefix(self.layout.manifests_prefix(named.table))
        order = (found.modified, named.run_id, named.part)
        return Entry(found.key, found.modified, named.moment, order, name)

    def files(self, table: TableName) -> list[Entry]:
        """A table's data files, by the time of extraction, committed or not."""
        entries = []
        prefix = self.layout.data_prefix(table)
        for item in list_keys(self.client, self.bucket, prefix):
            try:
                named = self.layout.parse_data_key(item["Key"])
            except LakeError as error:
                logger.warning("skipped: %s", error, extra={"table": str(table)})
                continue
            modified = item["LastModified"].astimezone(UTC)
            name = item["Key"].removeprefix(prefix)
            entries.append(Entry(item["Key"], modified, named.moment, (named.batch,), name))
        return sorted(entries, key=lambda entry: (entry.moment, *entry.order))

    def read(self, entry: Entry) -> Manifest:
        """Reads a manifest.

        Raises:
            LakeError: It is not one, or names what is not its table's.
        """
        with explained(f"reading s3://{self.bucket}/{entry.key}"):
            answer = self.client.get_object(Bucket=self.bucket, Key=entry.key)
            body = read_document(answer, entry.key)
        return Manifest.from_json(body, key=entry.key, layout=self.layout)
