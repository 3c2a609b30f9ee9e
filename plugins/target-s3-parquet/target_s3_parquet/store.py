"""The lake as a writer of it sees it: keys that are free, files, manifests, leases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import IO

from tidemark_core.errors import LakeError
from tidemark_core.lake.manifest import Manifest, ManifestFile
from tidemark_core.names import TableName
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.errors import explained
from tidemark_core.s3.lease import Lease
from tidemark_core.s3.manifest_listing import ManifestListing
from tidemark_core.s3.objects import list_keys, read_document
from tidemark_core.text.documents import Json

from target_s3_parquet.files.rows import Memory
from target_s3_parquet.upload import KeyTakenError, Uploader

#: A key is taken when another run began in the same second; that does not happen often in a row.
_ATTEMPTS = 1_000


class Store:
    """Where one run puts its files.

    Args:
        place: The lake.
        run_id: The run.
        lease_seconds: How long a lease outlives a writer that has died.

    Attributes:
        started: UTC second at which this run began; the extraction time of RECORD messages.
        memory: The memory that all files being made hold.
    """

    def __init__(self, place: S3Location, run_id: str, lease_seconds: float) -> None:
        self.run_id = run_id
        self.started = datetime.now(UTC).replace(microsecond=0)
        self.memory = Memory()
        self._place = place
        self._layout = place.layout
        self._client = place.client()
        self._uploader = Uploader(place, run_id)
        self._lease_seconds = lease_seconds
        self._numbers: dict[tuple[TableName, datetime], int] = {}
        self._parts: dict[tuple[TableName, datetime], int] = {}

    def lease(self, table: TableName) -> Lease:
        """Takes the right to write a table; also shows early whether S3 can be written at all.

        Raises:
            LeaseError: Another process is writing it.
            LakeError: S3 refused.
        """
        return Lease.acquire(
            self._client,
            self._place.bucket,
            self._layout.lease_key(table, "lake"),
            owner=f"target-s3-parquet of run {self.run_id}",
            ttl=self._lease_seconds,
        )

    def put(
        self,
        table: TableName,
        moment: datetime,
        suffix: str,
        partition: str | None,
        file: IO[bytes],
        rows: int,
        stats: Json | None = None,
    ) -> ManifestFile:
        """Uploads a Parquet file under the next free number.

        Args:
            table: The source table.
            moment: UTC second of its extraction.
            suffix: From `tidemark_core.lake.folders.folder_suffix`.
            partition: From `tidemark_core.lake.folders.day_partition`; None: by the extraction.
            file: Open; stays open.
            rows: Rows in it.
            stats: What the extractor says of it.
        """
        for _ in range(_ATTEMPTS):
            number = self._next_number(table, moment, suffix)
            key = self._layout.data_key(table, moment, number, partition, suffix=suffix)
            try:
                done = self._uploader.put_file(file, key)
            except KeyTakenError:
                continue
            return ManifestFile(key, rows, done.size, done.etag, dict(stats or {}))
        raise LakeError(f"no free key for a file of {moment:%Y-%m-%d %H:%M:%S}", table=table)

    def newest_commit(self, table: TableName) -> Manifest | None:
        """The manifest of a table's newest extraction; None: there is none.

        Raises:
            LakeError: S3 refused, or it is damaged.
        """
        newest = ManifestListing(self._client, self._place.bucket, self._layout).newest(table)
        if newest is None:
            return None
        key = newest.key
        with explained(f"reading s3://{self._place.bucket}/{key}"):
            answer = self._client.get_object(Bucket=self._place.bucket, Key=key)
            body = read_document(answer, key)
        return Manifest.from_json(body, key=key, layout=self._layout)

    def commit(self, manifest: Manifest) -> str:
        """Puts a manifest under the next free part number; gives its key."""
        for _ in range(_ATTEMPTS):
            at = (manifest.table, manifest.extracted_at)
            self._parts[at] = self._parts.get(at, 0) + 1
            numbered = replace(manifest, part=self._parts[at])
            key = numbered.key(self._layout)
            try:
                self._uploader.put_manifest(key, numbered.to_json().encode())
            except KeyTakenError:
                continue
            return key
        raise LakeError(f"run {manifest.run_id} has too many commits", table=manifest.table)

    def _next_number(self, table: TableName, moment: datetime, suffix: str) -> int:
        """One more than the last; at first one more than any written by a run of that second."""
        at = (table, moment)
        if at not in self._numbers:
            first = self._layout.data_key(table, moment, 1, suffix=suffix)
            beginning = first[: first.rindex("_") + 1]
            taken = [0]
            for found in list_keys(self._client, self._place.bucket, beginning):
                try:
                    taken.append(self._layout.parse_data_key(found["Key"]).batch)
                except LakeError:  # not ours; it takes no number
                    continue
            self._numbers[at] = max(taken)
        self._numbers[at] += 1
        return self._numbers[at]
