"""The target as a process of its own: killed, ended, paused, refused. On a real S3 server."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tidemark_core.errors import LeaseError


def _kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


BOUNDARIES = {
    "before the upload": ("before", "PUT", "incremental"),
    "after the upload": ("after", "PUT", "incremental"),
    "before the manifest": ("before", "PUT", "manifests"),
    "after the manifest, before STATE": ("after", "PUT", "manifests"),
}


@pytest.mark.fault(17)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_killed_at_any_boundary_a_rerun_completes_the_lake(
    lake: Any, feed: Any, say: Any, make_file: Any, proxy: Any, start: Any, boundary: str
) -> None:
    when, *parts = BOUNDARIES[boundary]
    process = start(s3_endpoint_url=proxy.endpoint)

    def strike(method: str, path: str) -> int | None:
        if all(part in f"{method} {path}" for part in parts):
            _kill(process)
            return 500
        return None

    setattr(proxy, when, strike)
    process.stdin.write(
        say.text(say.schema(), say.batch(make_file(say.orders(1, 2))), say.state(2))
    )
    process.stdin.close()
    assert process.wait(timeout=60) == -signal.SIGKILL
    assert process.stdout.read() == "", "no STATE, so the tap reads the rows again"
    left = len(lake.keys("incremental/"))
    assert left == (0 if boundary == "before the upload" else 1)

    assert feed(say.schema(), say.batch(make_file(say.orders(1, 2))), say.state(2))
    assert {row["id"] for row in lake.rows()} == {1, 2}
    committed = {file.key for manifest in lake.manifests() for file in manifest.files}
    orphans = [
        key for key in lake.keys("incremental/") if lake.place.layout.root + key not in committed
    ]
    assert len(orphans) == (1 if boundary in ("after the upload", "before the manifest") else 0)


def _wait_for(what: Any, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)


@pytest.mark.fault(25)
def test_sigterm_ends_with_143_and_leaves_only_what_was_committed(
    lake: Any, feed: Any, say: Any, make_file: Any, start: Any, tmp_path: Path
) -> None:
    process = start(s3_temp_dir=str(tmp_path))
    process.stdin.write(
        say.text(
            say.schema(),
            say.batch(make_file(say.orders(1))),
            say.state(1),
            say.batch(make_file(say.orders(2))),
        )
    )
    process.stdin.flush()
    # Both are there, and the tap's own files are gone: it is between two messages.
    _wait_for(lambda: len(lake.keys("incremental/")) == 2 and not list(tmp_path.glob("*.parquet")))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 143
    assert process.stdout.read().count("\n") == 1
    assert [row["id"] for row in lake.rows()] == [1]
    assert [path for path in tmp_path.iterdir() if path.suffix != ".json"] == []
    assert feed(say.schema(), say.record(id=2), say.state(2)), "the lease was given back"


@pytest.mark.fault(22)
def test_a_second_run_is_told_who_writes(lake: Any, feed: Any, say: Any, start: Any) -> None:
    first = start()
    first.stdin.write(say.text(say.schema()))
    first.stdin.flush()
    _wait_for(lambda: lake.keys("leases/"))
    second = start()
    _, err = second.communicate(say.text(say.schema()), timeout=60)
    assert second.returncode == 4
    assert "target-s3-parquet of run " in err
    assert f"pid {first.pid}" in err
    assert "Traceback" not in err
    say.stream = "shop-items"
    assert feed(say.schema(), say.state(1)), "another table is free"


@pytest.mark.fault(23)
def test_a_paused_writer_that_wakes_after_a_takeover_commits_nothing(
    lake: Any, feed: Any, say: Any, make_file: Any, start: Any
) -> None:
    process = start(s3_lease_seconds=3)
    process.stdin.write(say.text(say.schema(), say.batch(make_file(say.orders(1)))))
    process.stdin.flush()
    _wait_for(lambda: lake.keys("incremental/"))
    process.send_signal(signal.SIGSTOP)

    def takes_over() -> bool:
        try:
            return bool(feed(say.schema(), say.record(id=2), say.state(2)))
        except LeaseError:
            return False

    _wait_for(takes_over)
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(say.text(say.state(1)), timeout=60)
    assert (process.returncode, out) == (4, "")
    assert "was lost" in err
    assert [row["id"] for row in lake.rows()] == [2]


@pytest.mark.security(7)
def test_no_secret_is_ever_shown(lake: Any, say: Any, start: Any) -> None:
    secret = "canary-secret-0451"
    for debug in ("", "true"):
        os.environ["DEBUG"] = debug
        try:
            process = start(s3_secret_key=secret)
        finally:
            del os.environ["DEBUG"]
        out, err = process.communicate(say.text(say.schema()), timeout=60)
        assert process.returncode == 1
        assert "S3_SECRET_KEY" in err
        assert secret not in out + err


def test_errors_are_one_message_with_the_next_step(lake: Any, say: Any, start: Any) -> None:
    process = start(s3_bucket_name="no-such-bucket")
    _, err = process.communicate(say.text(say.schema()), timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "Next: create the bucket" in err
    wrong = start(s3_file_rows=0)
    _, err = wrong.communicate("", timeout=60)
    assert wrong.returncode == 2
    assert "S3_FILE_ROWS must be at least 1" in err


@pytest.mark.security(10)
@pytest.mark.parametrize("debug", ["", "true"])
@pytest.mark.parametrize("line", ["cut short", "without a stream"])
def test_a_broken_message_is_not_shown(
    lake: Any, say: Any, start: Any, line: str, debug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUG", debug)
    card = "4111 1111 1111 1111"
    whole = say.text(say.record(id=1, name=card, note="x" * 100_000))
    broken = {
        "cut short": whole[:-1_000] + "\n",
        "without a stream": say.text({"type": "RECORD", "record": {"name": card}}),
    }
    out, err = start().communicate(say.text(say.schema()) + broken[line], timeout=60)
    assert "the tap sent a " in err
    assert "4111 1" not in out + err  # milliseconds of the log may be 4111, too
    assert len(err) < 20_000
    assert lake.keys("manifests/") == []
