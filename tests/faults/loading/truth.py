"""What a load is held against: MySQL, the lake, the ledger and the landing tables must agree."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from tap_mysql.settings import SETTINGS as TAP_MYSQL
from target_s3_parquet.settings import SETTINGS as TARGET_S3_PARQUET
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.objects import list_keys
from tidemark_core.s3.settings import S3Settings
from tidemark_core.settings import Setting
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox

from loading.chain import PATIENCE

#: Table → what its rows are held by against MySQL; the last column grows with a row's versions.
TABLES = {
    "settlement_normal_delivery_detail": ("ant_parcel_no", "latest_status", "update_at"),
    "delivery_status": ("ant_parcel_no", "status", "create_at"),
}
KEYS = {"settlement_normal_delivery_detail": "update_at", "delivery_status": "ID"}


class Backup:
    """Brings what is new in MySQL into the lake, by the plain pipe: the load is what is tried.

    Args:
        root: The project.
        process_env: Variables of the child processes.
        env: The project's settings.
        folder: For config files and the state.
    """

    def __init__(
        self, root: Path, process_env: dict[str, str], env: dict[str, str], folder: Path
    ) -> None:
        self._bin = root / ".venv/bin"
        self._folder = folder
        self._env = process_env
        self._tap = self._config("tap-mysql", TAP_MYSQL, env)
        self._target = self._config("target-s3-parquet", TARGET_S3_PARQUET, env)
        found = subprocess.run(
            [*self._tap, "--discover"], capture_output=True, text=True, check=True, env=self._env
        )
        catalog = json.loads(found.stdout)
        streams = [
            s for s in catalog["streams"] if TableName.from_stream(s["stream"]).table in KEYS
        ]
        for stream in streams:
            key = KEYS[TableName.from_stream(stream["stream"]).table]
            stream |= {"replication_method": "INCREMENTAL", "replication_key": key}
        (folder / "catalog.json").write_text(json.dumps({"streams": streams}))

    def _config(
        self, name: str, settings: tuple[Setting, ...], env: dict[str, str]
    ) -> list[str | Path]:
        path = self._folder / f"{name}.json"
        known = {s.name: s.convert(env[s.env]) for s in settings if env.get(s.env)}
        path.write_text(json.dumps(known))
        return [self._bin / name, "--config", path]

    def run(self) -> None:
        state = self._folder / "state.json"
        command = [*self._tap, "--catalog", self._folder / "catalog.json"]
        with subprocess.Popen(
            [*command, "--state", state] if state.exists() else command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._env,
        ) as tap:
            target = subprocess.run(
                self._target,
                stdin=tap.stdout,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
                env=self._env,
            )
            assert tap.stderr is not None
            told = tap.stderr.read().decode()
        assert (tap.returncode, target.returncode) == (0, 0), told + target.stderr
        if target.stdout:
            state.write_text(target.stdout.splitlines()[-1])


class Truth:
    """Holds MySQL, the lake, the ledger and the landing tables against each other.

    Args:
        sandbox: Where they are.
        env: The project's settings.
    """

    def __init__(self, sandbox: Sandbox, env: dict[str, str]) -> None:
        self._sandbox = sandbox
        self._s3 = S3Location.of(read(S3Settings, {}, env))

    def check(self, method: str) -> int:
        """Fails unless no row is lost and none is there twice; gives the rows in landing."""
        return sum(self._check(table, columns, method) for table, columns in TABLES.items())

    def _check(self, table: str, columns: tuple[str, ...], method: str) -> int:
        listed = ", ".join(("id", *columns))
        source = sorted(self._sandbox.mysql(f"SELECT {listed} FROM `{table}`"))
        landed = self._sql(f"SELECT {listed} FROM landing.{table}")
        ledger = self._sql(
            "SELECT file, row_count, load_id FROM landing.tidemark_loads "
            f"WHERE landing_table = '{table}'"
        )
        committed = self._committed(TableName("settlement", table))
        assert sorted(file for file, _, _ in ledger) == sorted(committed), "each file once"
        assert {file: rows for file, rows, _ in ledger} == committed
        if method == "upsert":
            assert sorted(landed) == source
            return len(landed)
        loads: Counter[int] = Counter()
        for _, rows, load in ledger:
            loads[load] += rows
        found = self._sql(
            f"SELECT _tidemark_load_id, count(*) FROM landing.{table} GROUP BY _tidemark_load_id"
        )
        assert dict(found) == {load: rows for load, rows in loads.items() if rows}
        newest = {row[0]: row for row in sorted(landed, key=lambda row: row[-1])}
        assert sorted(newest.values()) == source
        return len(landed)

    def _sql(self, statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._sandbox.warehouse(statement)]

    def _committed(self, table: TableName) -> dict[str, int]:
        """The lake's committed files with their rows."""
        client, layout = self._s3.client(), self._s3.layout
        files: dict[str, int] = {}
        for entry in list_keys(client, self._s3.bucket, layout.manifests_prefix(table)):
            body = client.get_object(Bucket=self._s3.bucket, Key=entry["Key"])["Body"].read()
            manifest = Manifest.from_json(body, key=entry["Key"], layout=layout)
            files |= {file.key: file.rows for file in manifest.files}
        return files

    def staged(self) -> list[str]:
        root = self._s3.layout.root
        return [e["Key"] for e in list_keys(self._s3.client(), self._s3.bucket, f"{root}staging/")]
