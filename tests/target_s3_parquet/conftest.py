"""A lake of each test's own on the sandbox's S3 server, and ways to feed the target."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3proxy import Proxy, SealingProxy
from target_s3_parquet.singer.target import TargetS3Parquet
from tidemark_core.lake.manifest import Manifest
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.objects import list_keys
from tidemark_core.s3.settings import S3_SETTINGS, S3Settings
from tidemark_core.settings import resolve
from tidemark_core.typed_settings import read
from tidemark_core.types.column_type import ColumnType, decimal
from tidemark_core.types.singer_schema import to_json_schema
from tidemark_singer.files.batch_file import BatchFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Message = dict[str, Any]
EXTRACTED_AT = "2025-08-03T04:05:06Z"


class _World(Protocol):
    def env(self) -> dict[str, str]: ...


@dataclass(frozen=True)
class Lake:
    """A lake in a folder of its own, with everything that a test asks of it."""

    place: S3Location
    config: dict[str, Any]
    client: S3Client

    def keys(self, prefix: str = "") -> list[str]:
        """Keys below the lake's folder, without the folder."""
        root = self.place.layout.root
        found = list_keys(self.client, self.place.bucket, root + prefix)
        return sorted(item["Key"].removeprefix(root) for item in found)

    def body(self, key: str) -> bytes:
        """An object's content."""
        key = self.place.layout.root + key
        return self.client.get_object(Bucket=self.place.bucket, Key=key)["Body"].read()

    def manifests(self, folder: str = "") -> list[Manifest]:
        """All manifests, oldest first."""
        root, layout = self.place.layout.root, self.place.layout
        return [
            Manifest.from_json(self.body(key), key=root + key, layout=layout)
            for key in self.keys(f"manifests/{folder}")
        ]

    def parquet(self, key: str) -> pq.ParquetFile:
        """A data file of a manifest."""
        return pq.ParquetFile(pa.BufferReader(self.body(key.removeprefix(self.place.layout.root))))

    def rows(self, folder: str = "") -> list[dict[str, Any]]:
        """All committed rows, in the order of manifests and files."""
        return [
            row
            for manifest in self.manifests(folder)
            for file in manifest.files
            for row in self.parquet(file.key).read().to_pylist()
        ]


@pytest.fixture(scope="session")
def s3_config(sandbox: _World) -> dict[str, Any]:
    return resolve(S3_SETTINGS, {}, sandbox.env())


@pytest.fixture
def lake(s3_config: dict[str, Any]) -> Lake:
    config = {k: v for k, v in s3_config.items() if v is not None}
    config["s3_incremental_path"] = f"t{uuid.uuid4().hex}/incremental/"
    place = S3Location.of(read(S3Settings, config))
    return Lake(place, config, place.client())


class Say:
    """Makes Singer messages about one stream."""

    stream = "shop-orders"
    columns: ClassVar[dict[str, ColumnType]] = {
        "id": ColumnType("int64"),
        "name": ColumnType("string", length=20),
        "price": decimal(10, 2),
        "update_at": ColumnType("timestamp", precision=0),
    }

    def schema(
        self, columns: Mapping[str, ColumnType] | None = None, keys: Iterable[str] = ("id",)
    ) -> Message:
        """A SCHEMA message as tap-mysql writes it."""
        columns = self.columns if columns is None else columns
        return self.plain_schema(
            {name: to_json_schema(kind) for name, kind in columns.items()}, keys
        )

    def plain_schema(self, properties: Mapping[str, Any], keys: Iterable[str] = ("id",)) -> Message:
        """A SCHEMA message of any tap."""
        return {
            "type": "SCHEMA",
            "stream": self.stream,
            "schema": {"type": "object", "properties": dict(properties)},
            "key_properties": list(keys),
        }

    def record(self, **values: Any) -> Message:
        return {"type": "RECORD", "stream": self.stream, "record": values}

    def batch(self, *files: BatchFile, form: str = "parquet") -> Message:
        return {
            "type": "BATCH",
            "stream": self.stream,
            "encoding": {"format": form},
            "manifest": [file.to_url() for file in files],
        }

    def state(self, value: Any) -> Message:
        return {"type": "STATE", "value": {"bookmarks": {self.stream: {"at": value}}}}

    def orders(self, *ids: int) -> pa.Table:
        """Rows of the stream, as a tap's file holds them."""
        moment = datetime(2025, 8, 3, 4, 5, 6)
        return pa.table(
            {
                "id": pa.array(ids, pa.int64()),
                "name": pa.array([f"n{number}" for number in ids], pa.string()),
                "price": pa.array([Decimal(number) / 4 for number in ids], pa.decimal128(10, 2)),
                "update_at": pa.array([moment for _ in ids], pa.timestamp("us")),
            }
        )

    def text(self, *messages: Message) -> str:
        """Messages as they stand on the pipe."""
        return "".join(json.dumps(message) + "\n" for message in messages)


@pytest.fixture
def say() -> Say:
    return Say()


@pytest.fixture(scope="module")
def many_rows() -> pa.Table:
    """Rows of the stream that take several parts, however they are compressed."""
    names = pa.array([os.urandom(24).hex() for _ in range(300_000)])
    return Say().orders(*range(300_000)).set_column(1, "name", names)


class Feed:
    """Runs the target in this process.

    Attributes:
        passed: The STATEs that it passed on in its last run, also when the run failed.
    """

    def __init__(self, lake: Lake) -> None:
        self.passed: list[dict[str, Any]] = []
        self._lake = lake
        self._made: list[TargetS3Parquet] = []

    def __call__(self, *messages: Message, **config: Any) -> list[dict[str, Any]]:
        target = self.start(**config)
        out = io.StringIO()
        try:
            with redirect_stdout(out):
                target.listen(io.StringIO(Say().text(*messages)))
        finally:
            self.passed = [json.loads(line) for line in out.getvalue().splitlines()]
            target.close()
        return self.passed

    def start(self, **config: Any) -> TargetS3Parquet:
        """Makes a target; it gives its leases back at the end of the test."""
        self._made.append(TargetS3Parquet(config=self._lake.config | config))
        return self._made[-1]

    def close(self) -> None:
        for target in self._made:
            target.close()


@pytest.fixture
def feed(lake: Lake) -> Iterator[Feed]:
    made = Feed(lake)
    yield made
    made.close()


@pytest.fixture
def proxy(lake: Lake) -> Iterator[Proxy]:
    made = Proxy(str(lake.place.endpoint_url))
    yield made
    made.close()


@pytest.fixture
def sealing(lake: Lake) -> Iterator[SealingProxy]:
    """S3 as it is with keys to seal objects by, which the sandbox's server has not."""
    made = SealingProxy(
        str(lake.place.endpoint_url),
        str(lake.place.access_key),
        str(lake.place.secret_key),
        lake.place.region,
    )
    yield made
    made.close()


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(lake: Lake, tmp_path: Path) -> Iterator[Start]:
    """Starts the target as a process of its own, with its input open."""
    started: list[subprocess.Popen[str]] = []

    def run(**config: Any) -> subprocess.Popen[str]:
        path = tmp_path / f"{uuid.uuid4().hex}.json"
        path.write_text(json.dumps(lake.config | config))
        process = subprocess.Popen(
            [sys.executable, "-m", "target_s3_parquet", "--config", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]


MakeFile = Callable[..., BatchFile]


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Writes a Parquet file as tap-mysql does and names it as a BATCH message does."""

    def make(table: pa.Table, *, name: str = "", **facts: Any) -> BatchFile:
        path = tmp_path / (name or f"{uuid.uuid4().hex}.parquet")
        pq.write_table(table, path, compression="zstd", store_schema=False)
        told = {"rows": table.num_rows, "extracted_at": EXTRACTED_AT} | facts
        return BatchFile.local(str(path), **told)

    return make
