"""The lake as anybody reads it: manifests, then the files that they name."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tidemark_sandbox.world import Sandbox

#: What a row holds of a column that its file has not.
ABSENT = object()


@dataclass(frozen=True)
class Commit:
    """A manifest with the rows of its files.

    Attributes:
        run: The run that made it.
        key: Its own key.
        extracted: When its rows were read.
        files: Keys of its files.
        rows: Rows, by column, as pyarrow gives them.
        counted: Changed values, by column and reason.
        said: Rows that it speaks of.
        schema: The schema that it carries.
        keys: Key columns.
    """

    run: str
    key: str
    extracted: str
    files: tuple[str, ...]
    rows: list[dict[str, Any]]
    counted: dict[str, dict[str, int]]
    said: int
    schema: dict[str, Any]
    keys: tuple[str, ...]


def _as_text(read: pa.Table) -> pa.Table:
    """Times as text: Python's end with the year 9999, Arrow's do not."""
    columns = [
        column.cast(pa.string()) if pa.types.is_temporal(column.type) else column
        for column in read.columns
    ]
    return pa.table(columns, names=read.column_names)


@dataclass
class Lake:
    """One lake of the bucket, read so far.

    Attributes:
        sandbox: Where it is.
        root: Its first folder.
    """

    sandbox: Sandbox
    root: str
    _known: dict[str, tuple[str, Commit]] = field(default_factory=dict)

    def commits(self) -> dict[str, list[Commit]]:
        """Commits by table, oldest first."""
        client = self.sandbox.s3.client
        bucket = self.sandbox.env()["S3_BUCKET_NAME"]
        found: dict[str, list[Commit]] = {}
        for key in self.keys("manifests/"):
            if key not in self._known:
                body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
                self._known[key] = self._read(client, bucket, key, json.loads(body))
            table, commit = self._known[key]
            found.setdefault(table, []).append(commit)
        for commits in found.values():
            commits.sort(key=lambda commit: (commit.extracted, commit.key))
        return found

    def _read(
        self, client: Any, bucket: str, key: str, manifest: dict[str, Any]
    ) -> tuple[str, Commit]:
        rows: list[dict[str, Any]] = []
        for file in manifest["files"]:
            body = client.get_object(Bucket=bucket, Key=file["key"])["Body"].read()
            # Of the bytes alone: a path would have pyarrow read its folders as columns.
            read = pq.ParquetFile(io.BytesIO(body)).read()
            assert read.num_rows == file["rows"], (file, read.num_rows)
            rows += _as_text(read).to_pylist()
        return manifest["table"], Commit(
            manifest["run_id"], key, manifest["extracted_at"],
            tuple(file["key"] for file in manifest["files"]), rows,
            manifest.get("conversions") or {}, manifest["rows"], manifest["schema"],
            tuple(manifest["key_properties"]),
        )  # fmt: skip

    def keys(self, folder: str) -> list[str]:
        """All keys below a folder of the lake."""
        client = self.sandbox.s3.client
        bucket = self.sandbox.env()["S3_BUCKET_NAME"]
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"{self.root}/{folder}"
        )
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
