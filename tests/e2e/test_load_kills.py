"""Everything that takes part in a load is killed at random moments; one rerun mends each."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from loadchain import PATIENCE, VICTIMS, Chain
from tap_mysql.settings import SETTINGS as TAP_MYSQL
from target_s3_parquet.settings import SETTINGS as TARGET_S3_PARQUET
from tidemark_core.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.s3 import S3Location, list_keys
from tidemark_core.settings import Setting
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from conftest import Project

#: Table → what its rows are held by against MySQL; the last column grows with a row's versions.
TABLES = {
    "settlement_normal_delivery_detail": ("ant_parcel_no", "latest_status", "update_at"),
    "delivery_status": ("ant_parcel_no", "status", "create_at"),
}
KEYS = {"settlement_normal_delivery_detail": "update_at", "delivery_status": "ID"}
#: With the two methods, a hundred.
MOMENTS = 50


class Lake:
    """Brings what is new in MySQL into the lake, by the plain pipe: the load is what is tried."""

    def __init__(self, project: Project, env: dict[str, str], folder: Path) -> None:
        self._bin = project.root / ".venv/bin"
        self._folder = folder
        self._env = project.env
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

    def backup(self) -> None:
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
    """Holds MySQL, the lake, the ledger and the landing tables against each other."""

    def __init__(self, sandbox: Sandbox, s3: S3Location) -> None:
        self._sandbox = sandbox
        self._s3 = s3

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
        files = {}
        for entry in list_keys(client, self._s3.bucket, layout.manifests_prefix(table)):
            body = client.get_object(Bucket=self._s3.bucket, Key=entry["Key"])["Body"].read()
            manifest = Manifest.from_json(body, key=entry["Key"], layout=layout)
            files |= {file.key: file.rows for file in manifest.files}
        return files

    def staged(self) -> list[str]:
        root = self._s3.layout.root
        return [e["Key"] for e in list_keys(self._s3.client(), self._s3.bucket, f"{root}staging/")]


@pytest.mark.soak
@pytest.mark.fault(17)
@pytest.mark.fault(18)
@pytest.mark.parametrize("method", ["append-only", "upsert"])
def test_a_hundred_kills_lose_no_row_and_load_none_twice(
    sandbox: Sandbox,
    project: Project,
    tmp_path: Path,
    method: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chance = random.Random(method)
    env = {
        "LOAD_METHOD": method,
        "S3_INCREMENTAL_PATH": f"{method}/incremental/",
        "S3_HIGH_WATERMARK_KEY": f"{method}/watermark/high_watermark.json",
    }
    sandbox.seed(2_000, seed=5)
    for table in (*TABLES, "tidemark_loads"):
        sandbox.warehouse(f"DROP TABLE IF EXISTS landing.{table}")
    access = sandbox.env() | env
    truth = Truth(
        sandbox,
        S3Location(
            bucket=access["S3_BUCKET_NAME"],
            region=access["S3_REGION"],
            endpoint_url=access["S3_ENDPOINT_URL"],
            access_key=access["S3_ACCESS_KEY"],
            secret_key=access["S3_SECRET_KEY"],
            incremental=env["S3_INCREMENTAL_PATH"],
        ),
    )

    lake = Lake(project, access, tmp_path)

    def chain_of(log: str) -> Chain:
        command = [str(project.root / ".venv/bin/meltano"), "--env-file", str(project.env_file)]
        # A killed Meltano leaves a guard behind, for five minutes; the leases keep runs apart.
        command += ["run", "--force", "load"]
        return Chain(command, project.root, sandbox, project.env | env, tmp_path / log)

    def load() -> None:
        done = project.meltano("run", "--force", "load", timeout=PATIENCE, **env)
        assert done.returncode == 0, done.stdout

    lake.backup()
    chain = chain_of("undisturbed.log")
    lives = chain.lives()
    assert chain.wait() == 0
    rows = truth.check(method)
    hit: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    late = 0
    while sum(hit.values()) < MOMENTS:
        number = sum(hit.values()) + late
        victim = VICTIMS[number % len(VICTIMS)]
        sandbox.change(40, seed=number)
        lake.backup()
        chain = chain_of(f"{number:03d}.log")
        delay = chance.uniform(0.0, lives[victim])
        struck = chain.strike(victim, delay)
        if victim == "s3":
            time.sleep(chance.uniform(0.0, 2.0))
            sandbox.s3.start()
        code = chain.wait()
        hit[victim] += struck
        late += not struck
        ended["well" if code == 0 else "failed"] += struck
        load()
        rows = truth.check(method)
        assert truth.staged() == []
        print(f"{number}: {victim} after {delay:.2f} s: {struck}, {code}; {rows} rows", flush=True)
        assert late <= MOMENTS, "the moments are no longer within the lives of the parts"
    with capsys.disabled():
        kills = ", ".join(f"{victim} {count}" for victim, count in sorted(hit.items()))
        print(
            f"\n{method}: {sum(hit.values())} kills ({kills}), {late} more came after the end; "
            f"{ended['well']} runs ended well all the same, {ended['failed']} failed; "
            f"after one rerun each, MySQL, lake, ledger and {rows:,} rows in landing agree"
        )
    assert all(hit[victim] for victim in VICTIMS)
