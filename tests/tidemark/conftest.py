"""A lake of each test's own in the sandbox's bucket, and the command line run in this process."""

from __future__ import annotations

import io
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer.main
from meltano.core.state_store import MeltanoState
from tidemark import cli
from tidemark.config.project import Project
from tidemark.config.settings import StateSettings
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.state.backend import TidemarkStateStore
from tidemark_core.lake.manifest import Manifest, ManifestFile
from tidemark_core.names import TableName
from tidemark_core.s3.objects import list_keys
from tidemark_core.typed_settings import values
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import to_json_schema
from tidemark_sandbox.access.tunnel import open_tunnel
from tidemark_sandbox.world import Sandbox

WHEN = datetime(2025, 8, 3, 4, 5, 6, tzinfo=UTC)
COLUMNS = {"ID": ColumnType("int64"), "update_at": ColumnType("timestamp", precision=6)}
SCHEMA = {"properties": {name: to_json_schema(kind) for name, kind in COLUMNS.items()}}

NOON = datetime(2025, 8, 3, 12, tzinfo=UTC)
#: Of the table that stands alike everywhere.
COPIED = {
    "ID": ColumnType("int64"),
    "status": ColumnType("string", length=20),
    "price": ColumnType("decimal", precision=10, scale=2),
    "update_at": ColumnType("timestamp", precision=0),
}
COPIED_SCHEMA = {"properties": {name: to_json_schema(kind) for name, kind in COPIED.items()}}
COPIED_ROWS = ", ".join(
    f"({n}, {'NULL' if n == 5 else f'''{chr(39)}état {n}{chr(39)}'''}, {n}.50, "
    f"'2025-08-03 12:0{n}:00')"
    for n in range(10)
)


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Lake:
    """A lake of its own, and a table name that no other test has in the ledger."""

    sandbox: Sandbox
    project: Project
    table: TableName
    run: Callable[..., Result]
    _runs: int = field(default=0)

    def file(
        self,
        moment: datetime = WHEN,
        *,
        rows: int = 3,
        batch: int = 1,
        table: TableName | None = None,
        content: pa.Table | None = None,
    ) -> ManifestFile:
        """Uploads a Parquet file, without a manifest."""
        when = moment.replace(tzinfo=None)
        content = (
            content
            if content is not None
            else pa.table(
                {
                    "ID": pa.array(range(1, rows + 1), pa.int64()),
                    "update_at": pa.array([when] * rows, pa.timestamp("us")),
                }
            )
        )
        sink = io.BytesIO()
        pq.write_table(content, sink)
        key = self.project.layout.data_key(table or self.table, moment, batch)
        body = sink.getvalue()
        answer = self.project.s3.put_object(Bucket=self.project.bucket, Key=key, Body=body)
        return ManifestFile(key, content.num_rows, len(body), answer["ETag"].strip('"'))

    def commit(
        self,
        *files: ManifestFile,
        moment: datetime = WHEN,
        table: TableName | None = None,
        schema: dict[str, Any] = SCHEMA,
        bookmark: dict[str, Any] | None = None,
        keys: tuple[str, ...] = ("ID",),
        method: str | None = None,
    ) -> str:
        """Puts a manifest of some files; returns its key."""
        self._runs += 1
        manifest = Manifest(
            table=table or self.table,
            run_id=f"run-{self._runs}",
            part=1,
            extracted_at=moment,
            schema=schema,
            key_properties=keys,
            files=files,
            replication_method=method,
            bookmark=bookmark
            or {
                "replication_key": "update_at",
                "replication_key_value": moment.strftime("%Y-%m-%dT%H:%M:%S.%f"),
            },
        )
        key = manifest.key(self.project.layout)
        self.project.s3.put_object(
            Bucket=self.project.bucket, Key=key, Body=manifest.to_json().encode()
        )
        return key

    @property
    def landing(self) -> str:
        """What the table is called in the warehouse."""
        return self.project.names.of(self.table)

    def load(self, *files: ManifestFile, table: TableName | None = None, load_id: int = 1) -> None:
        """Writes files into the warehouse's ledger."""
        name = table or self.table
        for file in files:
            self.sandbox.warehouse(
                "INSERT INTO landing.tidemark_loads VALUES "
                "(%s, %s, %s, %s, %s, %s, 'run', 'manifest', getdate(), getdate(), 1)",
                [str(name), self.project.names.of(name), file.key, file.etag, file.rows, load_id],
                user="tidemark_loader",
            )

    def keys(self, folder: str = "") -> set[str]:
        """What stands below the lake's root."""
        root = self.project.layout.root + folder
        return {entry["Key"] for entry in list_keys(self.project.s3, self.project.bucket, root)}

    def bookmark(self, leg: Leg, bookmark: dict[str, Any] | None, **others: Any) -> None:
        """Writes a leg's state as Meltano does: one bookmark of ours, and some others."""
        marks = others | ({self.table.stream: bookmark} if bookmark else {})
        state = {"singer_state": {"bookmarks": marks}}
        store = TidemarkStateStore(**values(self.project.read(StateSettings)))
        store.set(MeltanoState(leg.state_id("dev"), {}, state))

    def keep(self, monkeypatch: pytest.MonkeyPatch, *ids: int) -> None:
        """Has the public table keep deleted rows; these are deleted."""
        monkeypatch.setattr(Project, "deleted_at", {str(self.table): "deleted_at"})
        table, listed = f"public.{self.landing}", ", ".join(map(str, ids))
        for sql in (
            f"ALTER TABLE {table} ADD COLUMN deleted_at TIMESTAMP",
            f"UPDATE {table} SET deleted_at = '2025-08-03 13:00:00' WHERE id IN ({listed})",
        ):
            self.sandbox.warehouse(sql, user="tidemark_transformer")

    def bookmarks(self, leg: Leg) -> dict[str, Any]:
        """The bookmarks of a leg as they stand on S3."""
        state = TidemarkStateStore(**values(self.project.read(StateSettings))).get(
            leg.state_id("dev")
        )
        if state is None or state.completed_state is None:
            return {}
        marks: dict[str, Any] = state.completed_state["singer_state"]["bookmarks"]
        return marks


#: Reads the functions of all commands, which takes longer than many of them run.
_as_click = cache(typer.main.get_command)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """Runs ``tidemark`` with some arguments."""
    monkeypatch.setattr(typer.main, "get_command", _as_click)

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["tidemark", *arguments])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def past_the_bastion(sandbox: Sandbox) -> Iterator[dict[str, str]]:
    """Settings that lead to the servers, to both databases past the bastion.

    A verify logs in there twice, which takes longer than to compare what most tests have.
    """
    env = {name: value for name, value in sandbox.env().items() if "SSH_BASTION" not in name}
    with open_tunnel(sandbox.config, sandbox.config.warehouse_socket) as tunnel:
        yield env | {"REDSHIFT_HOST": "127.0.0.1", "REDSHIFT_PORT": str(tunnel.port)}


@pytest.fixture
def addresses(sandbox: Sandbox) -> dict[str, str]:
    """Settings that lead to the servers, as an operator has them."""
    return sandbox.env()


@pytest.fixture
def lake(
    sandbox: Sandbox,
    addresses: dict[str, str],
    project_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., Result],
    tmp_path: Path,
) -> Lake:
    """An empty lake; commands that run in this process see it."""
    unique = uuid.uuid4().hex[:12]
    empty = tmp_path / "empty.env"
    empty.touch(mode=0o600)
    variables = addresses | {
        "S3_INCREMENTAL_PATH": f"t-{unique}/incremental/",
        "S3_HIGH_WATERMARK_KEY": f"t-{unique}/watermark/high_watermark.json",
        "MELTANO_PROJECT_ROOT": str(project_root),
        "MELTANO_ENVIRONMENT": "dev",
        "TIDEMARK_ENV_FILE": str(empty),  # not the checkout's own
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    # As the loader makes them where it may, so that no test needs a load before it.
    sandbox.warehouse("CREATE SCHEMA IF NOT EXISTS landing")
    sandbox.warehouse("GRANT ALL ON SCHEMA landing TO tidemark_loader")
    sandbox.warehouse(LEDGER_DDL, user="tidemark_loader")
    return Lake(sandbox, Project.load(), TableName("settlement", f"t{unique}"), run)


@pytest.fixture
def locked(lake: Lake) -> Iterator[str]:
    """A bucket that keeps old versions and locks them for a day."""
    name, client = f"locked-{lake.table.table}", lake.project.s3
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    client.put_object_lock_configuration(
        Bucket=name,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
        },
    )
    yield name
    listed = client.list_object_versions(Bucket=name)
    for entry in (*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())):
        client.delete_object(
            Bucket=name,
            Key=entry["Key"],
            VersionId=entry["VersionId"],
            BypassGovernanceRetention=True,
        )
    client.delete_bucket(Bucket=name)


LEDGER_DDL = """
CREATE TABLE IF NOT EXISTS landing.tidemark_loads (
    source_table VARCHAR(512), landing_table VARCHAR(127), file VARCHAR(1024), etag VARCHAR(128),
    row_count BIGINT, load_id BIGINT, run_id VARCHAR(64), manifest VARCHAR(1024),
    extracted_at TIMESTAMP, loaded_at TIMESTAMP, fence BIGINT
)"""


@pytest.fixture
def copied(lake: Lake) -> Iterator[Lake]:
    """A table of ten rows that stands alike in MySQL, the lake, landing and public."""
    name = lake.table.table
    lake.sandbox.mysql(
        f"CREATE TABLE {name} (ID BIGINT PRIMARY KEY, status VARCHAR(20), price DECIMAL(10,2), "
        "update_at DATETIME)"
    )
    lake.sandbox.mysql(f"INSERT INTO {name} VALUES {COPIED_ROWS}")
    columns = "(id BIGINT, status VARCHAR(80), price NUMERIC(10,2), update_at TIMESTAMP"
    for schema, more, user in (
        ("landing", ", _tidemark_load_id BIGINT)", "tidemark_loader"),
        ("public", ")", "tidemark_transformer"),
    ):
        lake.sandbox.warehouse(f"CREATE TABLE {schema}.{name} {columns}{more}", user=user)
        lake.sandbox.warehouse(
            f"INSERT INTO {schema}.{name} (id, status, price, update_at) VALUES {COPIED_ROWS}",
            user=user,
        )
    lake.sandbox.warehouse(
        f"UPDATE landing.{name} SET _tidemark_load_id = 1", user="tidemark_loader"
    )
    lake.sandbox.warehouse(
        f"GRANT SELECT ON landing.{name} TO tidemark_transformer", user="tidemark_loader"
    )
    lake.sandbox.warehouse(
        "GRANT SELECT ON landing.tidemark_loads TO tidemark_transformer", user="tidemark_loader"
    )
    lake.sandbox.warehouse("GRANT USAGE ON SCHEMA landing TO tidemark_transformer")
    file = lake.file(NOON, rows=10)
    bookmark = {
        "replication_key": "update_at",
        "replication_key_value": "2025-08-03T12:09:00.000000",
    }
    lake.commit(file, moment=NOON, schema=COPIED_SCHEMA, bookmark=bookmark)
    lake.load(file)
    yield lake
    lake.sandbox.mysql(f"DROP TABLE {name}")
    lake.sandbox.warehouse(f"DROP TABLE landing.{name}", user="tidemark_loader")
    lake.sandbox.warehouse(f"DROP TABLE public.{name}", user="tidemark_transformer")
