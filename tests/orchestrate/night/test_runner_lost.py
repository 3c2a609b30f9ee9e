"""The runner of a job dies, or is frozen until another has its lease: nothing of it works on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from processes.proctree import command_line, descendants
from tidemark_core.redshift.ledger import LEDGER, LEDGER_COLUMNS
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.lease import Lease
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from projects.nights import Night

    Runner = subprocess.Popen[str]

PATIENCE = 120.0


@pytest.fixture(scope="module")
def night(
    world: Sandbox,
    make_night: Callable[[Path], Night],
    tmp_path_factory: pytest.TempPathFactory,
) -> Night:
    """A lease is lost within seconds; there is a ledger, for dbt to ask."""
    night = make_night(tmp_path_factory.mktemp("lost"))
    night.settings["S3_LEASE_SECONDS"] = "3"
    columns = ", ".join(f"{name} {kind}" for name, kind in LEDGER_COLUMNS)
    world.warehouse(f"create table if not exists {LEDGER} ({columns})", user="tidemark_loader")
    return night


@contextmanager
def reading_mysql(world: Sandbox, night: Night) -> Iterator[tuple[Runner, list[int]]]:
    """A job whose tap waits for a table that somebody holds, and the processes below it."""
    with closing(world.source.connect(database="settlement")) as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLES partner_info WRITE")
        with running(night, "backup", "target-s3-parquet", "ssh ") as job:
            yield job


@contextmanager
def building(world: Sandbox, night: Night) -> Iterator[tuple[Runner, list[int]]]:
    """A job whose dbt waits for a table that somebody holds, and the processes below it."""
    with closing(world.redshift.connect("tidemark_loader")) as holder:
        holder.autocommit = False
        holder.cursor().execute(f"lock {LEDGER}")
        with running(night, "build", "tidemark-dbt") as job:
            waiting = "select count(*) from pg_locks where not granted"
            wait_for(lambda: world.warehouse(waiting)[0][0] > 0, "dbt does not ask the ledger")
            yield job


@contextmanager
def running(night: Night, job: str, *until: str) -> Iterator[tuple[Runner, list[int]]]:
    """A job that has come so far that it has started some programs, and the processes below it."""
    process = night.start([night.run_job, "--env-file", str(night.env_file), job])
    try:
        wait_for(
            lambda: all(word in _told(descendants(process.pid)) for word in until),
            f"the job does not start {' and '.join(until)}",
        )
        yield process, descendants(process.pid)
    finally:
        process.kill()
        process.communicate()


def _told(pids: list[int]) -> str:
    return " ".join(word for pid in pids for word in command_line(pid))


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.fault(108)
def test_nothing_outlives_a_runner_that_is_killed(world: Sandbox, night: Night) -> None:
    with reading_mysql(world, night) as (process, below):
        told = _told(below)
        for part in ("meltano", "tap-mysql", "target-s3-parquet", "ssh "):
            assert part in told
        process.kill()
        process.wait()
        wait_for(lambda: not any(map(command_line, below)), "the job works on without its runner")


@pytest.mark.fault(108)
def test_a_runner_that_wakes_behind_another_ends_what_it_has_started(
    world: Sandbox, night: Night
) -> None:
    location = S3Location.of(read(S3Settings, {}, night.settings))
    client, key = location.client(), location.layout.job_lease_key()
    with building(world, night) as (process, below):
        process.send_signal(signal.SIGSTOP)
        wait_for(lambda: Lease.is_free(client, location.bucket, key), "the lease does not expire")
        with Lease.acquire(client, location.bucket, key, owner="the next job"):
            process.send_signal(signal.SIGCONT)
            output, _ = process.communicate(timeout=PATIENCE)
            assert process.returncode == 4, output
            assert "the next job" in output
            assert "took over" in output
            assert not any(map(command_line, below))
    assert night.alerts[-1]["cause"]["kind"] == "LeaseError"


@pytest.mark.fault(107)
def test_a_second_build_is_told_for_whom_it_waits_and_goes_on_when_that_has_ended(
    world: Sandbox, night: Night
) -> None:
    dbt = str(night.root / ".venv/bin/tidemark-dbt")
    environ = {name: os.environ[name] for name in ("PATH", "HOME")} | night.settings
    environ |= {"DBT_PROJECT_DIR": str(night.root / "transform")}
    environ |= {"DBT_PROFILES_DIR": str(night.root / "transform")}
    with building(world, night):
        hasty = night.run([dbt, "build"], **environ, REDSHIFT_LOCK_TIMEOUT_SECONDS="1")
        assert hasty.returncode == 4, hasty.stdout
        assert "error: dbt build-new, run " in hasty.stdout
        assert "has been writing since 20" in hasty.stdout
        assert "(waited 1 s)" in hasty.stdout
        # There are no seeds: nothing to do but to get the lease.
        second = night.start([dbt, "seed"], **environ)
        assert second.stdout is not None
        told = second.stdout.readline()
        assert told.startswith("waiting, at most 300 s: dbt build-new, run "), told
    output, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0, output
