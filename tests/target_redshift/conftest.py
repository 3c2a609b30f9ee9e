"""A lake and a warehouse: real S3 and the stand-in, through a real bastion."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import Any

import loading.process
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from redshift_connector.error import ProgrammingError
from statements import Intercept
from target_redshift.settings import SETTINGS
from target_redshift.singer.target import TargetRedshift
from tidemark.services.follow.ready.process import Process
from tidemark_core.forking.client import Forked
from tidemark_core.names import OWN_NAMES, LandingNames, TableName
from tidemark_core.redshift.errors import explain_query
from tidemark_core.redshift.settings import WarehouseSettings
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3Settings
from tidemark_core.settings import resolve
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_core.typed_settings import read
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import to_json_schema
from tidemark_sandbox.world import Sandbox
from tidemark_singer.files.batch_file import BatchFile

_numbers = count(1)
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Table:
    """A source table of a test: its columns, and the files that were written of it."""

    lake: Lake
    name: TableName
    columns: dict[str, ColumnType]
    key: tuple[str, ...] = ("ID",)
    written: int = 0
    names: LandingNames = OWN_NAMES

    @property
    def landing(self) -> str:
        return f"landing.{self.bare}"

    @property
    def bare(self) -> str:
        return self.names.of(self.name)

    def schema(self) -> dict[str, Any]:
        properties = {
            column: to_json_schema(kind, nullable=column not in self.key)
            for column, kind in self.columns.items()
        }
        return {
            "type": "SCHEMA",
            "stream": self.name.stream,
            "key_properties": list(self.key),
            "schema": {"type": "object", "properties": properties},
        }

    def arrow(self, rows: Sequence[Sequence[Any]]) -> pa.Table:
        columns: list[Sequence[Any]] = (
            list(zip(*rows, strict=True)) if rows else [[] for _ in self.columns]
        )
        arrays = {
            column: pa.array(values, to_arrow(kind))
            for (column, kind), values in zip(self.columns.items(), columns, strict=True)
        }
        return pa.table(arrays)

    def write(self, data: Sequence[Sequence[Any]] | pa.Table, **facts: Any) -> BatchFile:
        """Puts a Parquet file into the lake, as target-s3-parquet does."""
        self.written += 1
        table = data if isinstance(data, pa.Table) else self.arrow(data)
        body = io.BytesIO()
        pq.write_table(table, body, compression="zstd")
        when = WHEN + timedelta(seconds=self.written)
        key = self.lake.s3.layout.data_key(self.name, when, self.written)
        answer = self.lake.client.put_object(
            Bucket=self.lake.s3.bucket, Key=key, Body=body.getvalue()
        )
        told = {
            "rows": table.num_rows,
            "etag": answer["ETag"].strip('"'),
            "bytes": len(body.getvalue()),
            "manifest": f"manifests/{self.name.lake}/some.json",
            "run_id": "run-1",
            "extracted_at": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "fence": 1,
        }
        return BatchFile.s3(self.lake.s3.bucket, key, **(told | facts))

    def batch(self, *files: BatchFile, format: str = "parquet") -> dict[str, Any]:
        return {
            "type": "BATCH",
            "stream": self.name.stream,
            "encoding": {"format": format},
            "manifest": [file.to_url() for file in files],
        }

    def rows(self, columns: str = "*", order: str = "id") -> list[tuple[Any, ...]]:
        return self.lake.sql(f"SELECT {columns} FROM {self.landing} ORDER BY {order}")

    def ledger(self) -> list[tuple[Any, ...]]:
        return self.lake.sql(
            "SELECT file, row_count, load_id, fence FROM landing.tidemark_loads "
            f"WHERE source_table = '{self.name}' ORDER BY load_id, file"
        )


@dataclass
class Done:
    """How a run of the target ended."""

    code: int
    states: list[Any]
    errors: str


@dataclass
class Lake:
    """The sandbox, as these tests use it.

    Attributes:
        config: Reaches the warehouse by a tunnel that stands already.
        bastion_config: Opens its own tunnel, as an operator's settings do.
        forks: What loaders are forked from.
    """

    sandbox: Sandbox
    config: dict[str, Any]
    bastion_config: dict[str, Any]
    s3: S3Location
    client: Any = field(repr=False)
    forks: Process

    @property
    def warehouse(self) -> WarehouseSettings:
        """The same warehouse, for a session of the test's own."""
        return read(WarehouseSettings, self.config)

    def table(self, columns: Mapping[str, str], key: Sequence[str] = ("ID",)) -> Table:
        """A table that no other test has."""
        name = TableName("shop", f"t{next(_numbers)}_{os.getpid()}")
        return Table(
            self, name, {c: ColumnType.parse(kind) for c, kind in columns.items()}, tuple(key)
        )

    def sql(self, statement: str, user: str = "tidemark_loader") -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.sandbox.warehouse(statement, user=user)]

    def keys(self, prefix: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.s3.bucket, Prefix=prefix
        )
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def staged(self, table: Table) -> list[str]:
        return self.keys(self.s3.layout.staging_prefix(table.name))

    @staticmethod
    def lines(*messages: Mapping[str, Any] | str) -> str:
        """Messages as a tap writes them."""
        return "".join(m if isinstance(m, str) else json.dumps(m) + "\n" for m in messages)

    def run(self, *messages: Mapping[str, Any] | str, **config: Any) -> Done:
        """Runs the target in a process of its own, which is forked."""
        with ExitStack() as stack:
            files = [stack.enter_context(TemporaryFile("w+")) for _ in range(3)]
            told, out, errors = files
            told.write(self.lines(*messages))
            told.seek(0)
            streams = [file.fileno() for file in files]
            environ = self._environ(**config)
            forked = Forked(self.forks.path, ["target-redshift"], Path.cwd(), environ, streams)
            patience = Timer(120, forked.signal, [signal.SIGKILL])
            stack.callback(patience.cancel)
            patience.start()
            code = forked.wait()
            out.seek(0)
            errors.seek(0)
            return Done(code, [json.loads(line) for line in out], errors.read())

    def start(self, **config: Any) -> subprocess.Popen[str]:
        """Starts the target in a process of its own, as Meltano does."""
        return subprocess.Popen(
            [sys.executable, loading.process.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environ(**config),
        )

    def _environ(self, **config: Any) -> dict[str, str]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("REDSHIFT")}
        environ.pop("DEBUG", None)
        environ |= config.pop("environ", {})
        return environ | {
            "TIDEMARK_TEST_CONFIG": json.dumps(self.config | config),
            "TIDEMARK_RUN_ID": "run-1",
        }

    def load(self, *messages: Mapping[str, Any], **config: Any) -> list[Any]:
        """Runs the target in this process, which is quicker; its errors are raised."""
        return run_here(self.config | config, messages)


def run_here(config: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> list[Any]:
    out = io.StringIO()
    target = TargetRedshift(config=dict(config))
    text = "".join(json.dumps(message) + "\n" for message in messages)
    with redirect_stdout(out), closing(target):
        target.listen(io.StringIO(text))
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture(scope="session")
def forks() -> Iterator[Process]:
    made = Process("loading.forks")
    faults = str(Path(loading.process.__file__).parents[1])
    made.begin(Path.cwd(), os.environ | {"PYTHONPATH": faults})
    yield made
    made.end()


@pytest.fixture(scope="session")
def lake(sandbox: Sandbox, forks: Process) -> Iterator[Lake]:
    """One tunnel for all tests; those about the tunnel use ``bastion_config``."""
    env = sandbox.env()
    names = {setting.env: setting.name for setting in SETTINGS}
    config: dict[str, Any] = {names[name]: value for name, value in env.items() if name in names}
    resolved = resolve(SETTINGS, config)
    config = {name: value for name, value in resolved.items() if value is not None}
    s3 = S3Location.of(read(S3Settings, config))
    bastion = read(WarehouseSettings, config).bastion
    direct = {k: v for k, v in config.items() if not k.startswith("redshift_ssh_bastion")}
    sandbox.warehouse(f"GRANT CREATE ON DATABASE {env['REDSHIFT_DATABASE']} TO tidemark_loader")
    with open_endpoint(bastion, config["redshift_host"], 5439, local_port=0) as endpoint:
        direct |= {"redshift_host": endpoint.host, "redshift_port": endpoint.port}
        yield Lake(sandbox, direct, config, s3, s3.client(), forks)


@pytest.fixture
def table(lake: Lake) -> Table:
    """A small table: a key, a text and an amount."""
    return lake.table({"ID": "int64", "name": "string(20)", "amount": "decimal(10,2)"})


STATE = {"type": "STATE", "value": {"bookmarks": {"shop-t": {"last": 1}}}}


@pytest.fixture
def state() -> dict[str, Any]:
    return STATE


@pytest.fixture
def watch() -> Iterator[Callable[[subprocess.Popen[str]], subprocess.Popen[str]]]:
    """Ends the processes that a test started, whatever became of the test."""
    started: list[subprocess.Popen[str]] = []

    def add(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
        started.append(process)
        return process

    yield add
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def violate(intercept: Intercept) -> Callable[[str], list[str]]:
    """Has the first statement that begins so end by a serialisable violation, and gives it then."""
    said = {"S": "ERROR", "C": "XX000", "M": "1023 \nDETAIL: Serializable isolation violation"}

    def begin(statement: str) -> list[str]:
        def fail(*_: object) -> None:
            raise explain_query(ProgrammingError(said), statement)

        return intercept(statement, fail)

    return begin
