"""A lake of each test's own, filled commit by commit, and a tap that reads it."""

from __future__ import annotations

import io
import json
import uuid
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tap_s3_parquet.singer.tap import TapS3Parquet
from tidemark_core.lake.manifest import Manifest, ManifestFile
from tidemark_core.names import TableName
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3_SETTINGS, S3Settings
from tidemark_core.settings import resolve
from tidemark_core.typed_settings import read as read_settings
from tidemark_core.types.arrow import from_arrow
from tidemark_core.types.singer_schema import to_json_schema
from tidemark_singer.files.batch_file import BatchFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ORDERS = TableName("shop", "orders")
MOMENT = datetime(2025, 8, 3, 4, 5, 6, tzinfo=UTC)
Message = dict[str, Any]


class _World(Protocol):
    def env(self) -> dict[str, str]: ...


class Lake:
    """A lake in a folder of its own.

    Attributes:
        config: S3 settings that point at it.
        moment: Extraction time of the next commit; each commit moves it on by an hour.
    """

    table = ORDERS

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = {key: value for key, value in config.items() if value is not None}
        self.config["s3_incremental_path"] = f"t{uuid.uuid4().hex}/incremental/"
        self.place = S3Location.of(read_settings(S3Settings, self.config))
        self.client: S3Client = self.place.client()
        self.moment = MOMENT

    @property
    def bucket(self) -> str:
        return self.place.bucket

    def orders(self, *ids: int) -> pa.Table:
        """Rows of a table."""
        return pa.table(
            {
                "id": pa.array(ids, pa.int64()),
                "name": pa.array([f"n{number}" for number in ids], pa.string()),
                "price": pa.array([Decimal(number) / 4 for number in ids], pa.decimal128(10, 2)),
                "update_at": pa.array([datetime(2025, 8, 3, 4) for _ in ids], pa.timestamp("us")),
            }
        )

    def put_file(
        self, rows: pa.Table, batch: int = 1, *, run: str | None = None, key: str | None = None
    ) -> ManifestFile:
        """Puts a data file, as target-s3-parquet does; without ``run`` as an older tool did."""
        key = key or self.place.layout.data_key(self.table, self.moment, batch)
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink)
        body = sink.getvalue().to_pybytes()
        metadata = {} if run is None else {"tidemark-run": run}
        answer = self.client.put_object(Bucket=self.bucket, Key=key, Body=body, Metadata=metadata)
        return ManifestFile(key, rows.num_rows, len(body), answer["ETag"].strip('"'))

    def manifest(self, *files: ManifestFile, columns: pa.Schema, run: str = "run") -> Manifest:
        """Makes a manifest, without putting it."""
        properties = {field.name: to_json_schema(from_arrow(field.type)) for field in columns}
        return Manifest(
            table=self.table,
            run_id=run,
            part=1,
            extracted_at=self.moment,
            schema={"type": "object", "properties": properties},
            key_properties=("id",),
            files=files,
            fence=7,
        )

    def put_manifest(self, manifest: Manifest, **changes: Any) -> str:
        """Puts a manifest, with lies in it when a test wants some."""
        key = manifest.key(self.place.layout)
        document = json.loads(manifest.to_json()) | changes
        self.client.put_object(Bucket=self.bucket, Key=key, Body=json.dumps(document).encode())
        return key

    def commit(
        self, *tables: pa.Table, run: str = "run", bookmark: dict[str, Any] | None = None
    ) -> Manifest:
        """Commits a file for each table of rows, an hour after the last commit."""
        files = [self.put_file(rows, at, run=run) for at, rows in enumerate(tables, 1)]
        manifest = self.manifest(*files, columns=tables[0].schema, run=run)
        manifest = replace(manifest, bookmark=bookmark or {})
        self.put_manifest(manifest)
        self.moment += timedelta(hours=1)
        return manifest


@pytest.fixture
def lake(sandbox: _World) -> Lake:
    return Lake(resolve(S3_SETTINGS, {}, sandbox.env()))


class Read:
    """Runs the tap in this process and remembers the state.

    Attributes:
        state: The last STATE, with which the next run begins.
        messages: What the last run wrote, but for the STATE that a first run begins with.
        failed: The error of the last run, if a table failed.
    """

    def __init__(self, lake: Lake) -> None:
        self.state: dict[str, Any] = {}
        self.messages: list[Message] = []
        self._lake = lake

    def __call__(self, *, catalog: Any = None, **config: Any) -> list[Message]:
        out = io.StringIO()
        try:
            with redirect_stdout(out):
                tap = TapS3Parquet(
                    config=self._lake.config | config,
                    state=json.loads(json.dumps(self.state)),
                    catalog=catalog,
                )
                tap.sync_all()
                tap.raise_failures()
        finally:
            self.messages = [json.loads(line) for line in out.getvalue().splitlines()]
            if self.messages and not self.state:
                opening = self.messages.pop(0)
                assert opening == {"type": "STATE", "value": {"bookmarks": {}}}
            for message in self.of("STATE"):
                self.state = message["value"]
        return self.messages

    def of(self, kind: str) -> list[Message]:
        """Messages of one type."""
        return [message for message in self.messages if message["type"] == kind]

    @property
    def files(self) -> list[BatchFile]:
        """Files of all BATCH messages."""
        return [BatchFile.from_url(url) for batch in self.of("BATCH") for url in batch["manifest"]]

    @property
    def keys(self) -> list[str]:
        """Their keys."""
        return [file.s3_location[1] for file in self.files]

    @property
    def bookmark(self) -> dict[str, Any]:
        """The bookmark of the table."""
        found: dict[str, Any] = self.state["bookmarks"][self._lake.table.stream]
        return found


@pytest.fixture
def read(lake: Lake) -> Read:
    """A tap on the test's lake."""
    return Read(lake)
