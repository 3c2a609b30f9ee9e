"""tap-mysql | target-s3-parquet, both killed at random moments; one rerun completes the lake."""

from __future__ import annotations

import io
import json
import random
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from target_s3_parquet.settings import SETTINGS as TARGET
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.objects import list_keys
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source

BIN = Path(__file__).resolve().parents[3] / ".venv" / "bin"
ROWS, KILLS = 60_000, 10
TABLE = TableName("tap_test", "mortal")


@dataclass
class Pair:
    """The two plugins as Meltano joins them, and the state that the target has let through.

    Attributes:
        source: Where the tap reads.
        folder: For config and state.
        prefix: Of the lake.
        settings: Of the tap.
    """

    source: Source
    folder: Path
    prefix: str
    settings: dict[str, Any]
    state: dict[str, Any] | None = None

    def run(self, kill_after: float | None = None) -> bool:
        """Runs the pair; whether it was killed before it had ended."""
        tap_words: list[str | Path] = [BIN / "tap-mysql", *self._files("tap", self._tap())]
        tap_words += ["--catalog", self._write("catalog", self._catalog())]
        if self.state is not None:
            tap_words += ["--state", self._write("state", self.state)]
        tap = subprocess.Popen(tap_words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        target = subprocess.Popen(
            [BIN / "target-s3-parquet", *self._files("target", self._target())],
            stdin=tap.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert tap.stdout is not None
        tap.stdout.close()
        killed = False
        if kill_after is not None:
            time.sleep(kill_after)
            killed = tap.poll() is None or target.poll() is None
            tap.kill()
            target.kill()
        output, errors = target.communicate(timeout=120)
        tap.wait(timeout=120)
        for line in output.splitlines():
            self.state = json.loads(line)
        if kill_after is None:
            assert (tap.returncode, target.returncode) == (0, 0), errors
        return killed

    def rows(self) -> dict[int, int]:
        """The newest version of each committed row: its id and number."""
        place = S3Location.of(read(S3Settings, self._target()))
        client, newest = place.client(), dict[int, int]()
        for entry in list_keys(client, place.bucket, place.layout.manifests_prefix(TABLE)):
            body = client.get_object(Bucket=place.bucket, Key=entry["Key"])["Body"].read()
            manifest = Manifest.from_json(body, key=entry["Key"], layout=place.layout)
            for file in manifest.files:
                data = client.get_object(Bucket=place.bucket, Key=file.key)["Body"].read()
                table = pq.read_table(io.BytesIO(data), columns=["id", "n"])
                assert table.num_rows == file.rows
                for number, value in zip(*(c.to_pylist() for c in table.columns), strict=True):
                    newest[number] = max(value, newest.get(number, value))
        return newest

    def _tap(self) -> dict[str, Any]:
        return self.source.config(bastion=False, backup_batch_size=5_000, **self.settings)

    def _target(self) -> dict[str, Any]:
        env = self.source.sandbox.env() | {"S3_INCREMENTAL_PATH": f"{self.prefix}/incremental/"}
        return {s.name: s.convert(env[s.env]) for s in TARGET if env.get(s.env)}

    def _catalog(self) -> dict[str, Any]:
        return self.source.catalog(TABLE.table, key="update_at")

    def _files(self, name: str, config: dict[str, Any]) -> list[str]:
        return ["--config", self._write(name, config)]

    def _write(self, name: str, document: Any) -> str:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(document))
        return str(path)


def fill(source: Source) -> None:
    source.make(TABLE.table, "id INT PRIMARY KEY, n INT, v TEXT, update_at DATETIME, "
                "KEY (update_at)")  # fmt: skip
    source.sql(
        f"INSERT INTO {TABLE.table} SELECT seq, 0, REPEAT(MD5(seq), 20), "
        f"'2024-01-01' + INTERVAL seq SECOND {source.numbers(ROWS)}"
    )


@pytest.mark.soak
@pytest.mark.fault(17)
@pytest.mark.parametrize("strategy", ["chunked", "sequential", "incremental"])
def test_a_rerun_after_a_kill_completes_the_lake(
    source: Source, tmp_path: Path, strategy: str
) -> None:
    chance, killed = random.Random(strategy), 0
    fill(source)
    settings = {"backup_strategy": "chunked" if strategy == "chunked" else "sequential"}
    prefix = f"kills-{tmp_path.name}-{time.time_ns()}"
    pair = Pair(source, tmp_path, f"{prefix}-0", settings)
    began = time.monotonic()
    pair.run()
    seconds = time.monotonic() - began
    expected = dict.fromkeys(range(1, ROWS + 1), 0)
    assert pair.rows() == expected
    for number in range(1, KILLS + 1):
        if strategy == "incremental":
            source.sql(
                f"UPDATE {TABLE.table} SET n = {number}, "
                f"update_at = '2024-02-01' + INTERVAL {number} DAY + INTERVAL id SECOND "
                f"WHERE id MOD 2 = {number % 2}"
            )
            expected |= {k: number for k in expected if k % 2 == number % 2}
        else:
            pair = Pair(source, tmp_path, f"{prefix}-{number}", settings)
        killed += pair.run(kill_after=chance.uniform(0.3, 1.0) * seconds)
        pair.run()
        assert pair.rows() == expected, f"after kill {number}"
    print(f"{strategy}: {killed} of {KILLS} runs killed before their end, {KILLS} reruns complete")
    assert killed >= KILLS // 2
