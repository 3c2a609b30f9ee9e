"""The tap as a process of its own: exit codes, signals, and the way into another lake."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from target_s3_parquet.singer.target import TargetS3Parquet
from tidemark_core.lake.manifest import Manifest
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.objects import list_keys
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read as read_settings

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(lake: Any, tmp_path: Path) -> Iterator[Start]:
    """Starts the tap with some settings."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **config: Any) -> subprocess.Popen[str]:
        path = tmp_path / f"{uuid.uuid4().hex}.json"
        path.write_text(json.dumps(lake.config | config))
        process = subprocess.Popen(
            [sys.executable, "-m", "tap_s3_parquet", "--config", str(path), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.fault(25)
def test_sigterm_ends_with_143(lake: Any, start: Start) -> None:
    lake.commit(lake.orders(*range(60_000)))
    process = start(s3_output="records")
    assert process.stdout is not None
    for kind in ("STATE", "SCHEMA"):
        assert json.loads(process.stdout.readline())["type"] == kind
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "bookmarks" not in out or '"last"' not in out, "no STATE claims rows that are not out"


@pytest.mark.fault(19)
def test_a_failed_table_makes_the_exit_code_and_one_message(lake: Any, start: Start) -> None:
    lake.put_manifest(lake.commit(lake.orders(1)), rows=99)
    process = start()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "do not add up [table shop.orders]" in err
    assert "Traceback" not in err


def test_a_setting_that_is_wrong_ends_with_2(start: Start) -> None:
    process = start(s3_start_time="soon")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "S3_START_TIME" in err


def test_rows_go_on_into_any_target_with_their_exact_types(lake: Any, read: Any) -> None:
    """Here from one lake into another."""
    lake.commit(lake.orders(1, 2, 3))
    messages = read(s3_output="records")
    config = lake.config | {"s3_incremental_path": f"t{uuid.uuid4().hex}/incremental/"}
    target = TargetS3Parquet(config=config)
    passed = io.StringIO()
    with redirect_stdout(passed):
        target.listen(io.StringIO("".join(json.dumps(each) + "\n" for each in messages)))
    assert json.loads(passed.getvalue().splitlines()[-1]) == read.state
    place = S3Location.of(read_settings(S3Settings, config))
    [found] = list_keys(lake.client, lake.bucket, place.layout.manifests_root)
    body = lake.client.get_object(Bucket=lake.bucket, Key=found["Key"])["Body"].read()
    manifest = Manifest.from_json(body, key=found["Key"], layout=place.layout)
    assert manifest.rows == 3
    kinds = [column["x-tidemark-type"] for column in manifest.schema["properties"].values()]
    assert kinds == ["int64", "string", "decimal(10,2)", "timestamp(6)"]
