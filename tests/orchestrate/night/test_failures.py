"""Nights that fail: somebody is told, what is left is whole, and the next run needs no hand."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from tidemark.config.job_settings import JobSettings
from tidemark.job.run import Job, run_job
from tidemark_core.logs import Event
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from projects.nights import Night

    from tests.orchestrate.conftest import Hook


@pytest.fixture(scope="module")
def world(synced: tuple[Sandbox, Night]) -> Sandbox:
    return synced[0]


@pytest.fixture(scope="module")
def night(synced: tuple[Sandbox, Night]) -> Night:
    return synced[1]


def tunnels(port: str) -> list[int]:
    """Processes of ssh that hold a tunnel through this bastion."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"ssh" and b"-L" in words and port.encode() in words:
            found.append(int(path.parent.name))
    return found


def keys_in_lake(night: Night) -> dict[str, set[tuple[object, ...]]]:
    """By table, the keys of the rows that were committed."""
    found: dict[str, set[tuple[object, ...]]] = {}
    root = night.settings["S3_INCREMENTAL_PATH"].removesuffix("incremental/")
    for manifest in night.manifests():
        keys = found.setdefault(manifest["table"], set())
        for file in manifest["files"]:
            body = io.BytesIO(night.body(file["key"].removeprefix(root)))
            rows = pq.read_table(body, columns=list(manifest["key_properties"]))
            keys |= set(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    return found


@pytest.mark.fault(25)
def test_sigterm_in_the_middle_leaves_a_consistent_state_and_no_tunnel(
    make_night: Callable[[Path], Night], world: Sandbox, tmp_path: Path
) -> None:
    night = make_night(tmp_path)  # a first run, which has something to do
    process = night.start([night.run_job, "--env-file", str(night.env_file), "backup"])
    log = night.folder / "logs" / "backup" / "latest.log"
    deadline = time.monotonic() + 60
    while not (log.exists() and "Processing backup window" in log.read_text()):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    assert tunnels(night.settings["SSH_BASTION_PORT"])
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 143, output
    assert tunnels(night.settings["SSH_BASTION_PORT"]) == []
    (alert,) = night.alerts
    assert "terminated" in alert["text"]
    assert night.job("backup").returncode == 0, "and the next run needs no hand"
    assert [alert["kind"] for alert in night.alerts] == ["failed", "recovered"]
    lake = keys_in_lake(night)
    assert len(lake) == 6
    for table, keys in lake.items():
        assert world.mysql(f"SELECT count(*) FROM {table}") == [(len(keys),)]


@pytest.mark.security(21)
def test_an_env_file_that_others_can_read_is_refused_and_told(night: Night, hook: Hook) -> None:
    night.env_file.chmod(0o644)
    command = [night.run_job, "--env-file", str(night.folder / "prod.env"), "sync"]
    alert = {"ALERT_COMMAND": night.settings["ALERT_COMMAND"], "ALERT_WEBHOOK_URL": hook.url}
    done = night.run(command, **alert, MELTANO_SYS_DIR_ROOT=str(night.folder / "refused"))
    assert done.returncode == 2
    assert "mode 0644" in done.stdout
    assert "chmod 600" in done.stdout
    assert night.alerts[-1]["cause"]["kind"] == "ConfigError"
    assert hook.received == night.alerts[-1:]


@pytest.mark.security(21)
def test_no_run_of_meltano_works_with_an_env_file_that_others_can_read(
    night: Night, make_checkout: Callable[[Path, dict[str, str]], Path], tmp_path: Path
) -> None:
    copy = make_checkout(tmp_path / "copy", night.settings)
    (copy / ".env").chmod(0o640)
    for command in ("meltano run --force backup", "tidemark status"):
        done = night.run(
            ["/bin/sh", "-c", f"cd {copy} && .venv/bin/{command}"], PATH="/usr/bin:/bin"
        )
        assert done.returncode != 0
        assert "mode 0640" in done.stdout
        assert "chmod 600" in done.stdout


def test_a_log_that_cannot_be_made_is_told(night: Night) -> None:
    done = night.run(
        [night.run_job, "--env-file", str(night.env_file), "backup"], LOG_DIR="/dev/null"
    )
    assert done.returncode == 1
    assert "nothing was run" in night.alerts[-1]["text"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk that is full")
def test_a_run_whose_log_does_not_fit_works_and_tells_of_it(night: Night) -> None:
    disk = night.folder / "full"
    disk.mkdir()
    mounted = 'mount -t tmpfs -o size=8k none "$0" && exec "$@"'
    job = [night.run_job, "--env-file", str(night.env_file), "backup"]
    words = ["unshare", "-m", "sh", "-c", mounted, str(disk), *job]
    done = night.run(words, PATH=os.environ["PATH"], LOG_DIR=str(disk))
    assert done.returncode == 1
    assert "everything was done, but not logged" in done.stdout
    assert "No space left" in night.alerts[-1]["text"]


def test_a_run_that_cannot_even_begin_is_told(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/bin/python")
    settings = read(JobSettings, {}, night.settings)
    job = Job("backup", (), night.root, night.env_file, "r1", night.settings, settings)
    assert run_job(job) == 1
    assert "/nowhere/bin/" in night.alerts[-1]["text"]


@pytest.mark.security(21)
def test_git_ignores_env_files(project_root: Path) -> None:
    done = subprocess.run(
        ["git", "check-ignore", ".env", "sub/.env"], cwd=project_root, check=False
    )
    assert done.returncode == 0


@pytest.mark.fault(103)
def test_when_dbt_fails_landing_is_kept_and_build_alone_finishes(
    night: Night, world: Sandbox
) -> None:
    world.change(20, seed=12)
    loaded = "SELECT count(*) FROM landing.tidemark_loads"
    public = "SELECT max(update_at), count(*) FROM public.partner_info"
    ((loads,),), before = world.warehouse(loaded), world.warehouse(public)
    right = "SELECT ON landing.partner_info"
    world.warehouse(f"REVOKE {right} FROM tidemark_transformer", user="tidemark_loader")
    try:
        done = night.job("sync")
    finally:
        world.warehouse(f"GRANT {right} TO tidemark_transformer", user="tidemark_loader")
    assert done.returncode == 1, done.stdout
    cause = night.alerts[-1]["cause"]
    assert (night.alerts[-1]["kind"], cause["part"]) == ("failed", "dbt")
    assert "partner_info" in cause["message"]
    assert "meltano run build" in cause["next"]
    ((now,),) = world.warehouse(loaded)
    assert now > loads
    assert world.warehouse(public) == before
    done = night.job("build")
    assert done.returncode == 0, done.stdout
    assert world.warehouse(public) != before
    assert_verified(night)


@pytest.mark.fault(105)
def test_a_row_that_is_refused_is_never_a_success(night: Night, world: Sandbox) -> None:
    table, canary = "settlement_return_detail", "Kanarienvogel in der Zeile"
    world.mysql(f"ALTER TABLE {table} MODIFY remark MEDIUMTEXT")
    try:
        world.mysql(
            f"UPDATE {table} SET remark = CONCAT(%s, REPEAT('x', 70000)), "
            "update_at = UTC_TIMESTAMP() ORDER BY ID LIMIT 1",
            [canary],
        )
        world.mysql("UPDATE partner_info SET update_at = UTC_TIMESTAMP() LIMIT 3")
        done = night.job("sync")
        assert done.returncode == 1, done.stdout
        cause = night.alerts[-1]["cause"]
        assert cause["table"] == f"settlement.{table}"
        assert "remark" in cause["message"]
        (told,) = [e for e in night.log("sync") if e["event"] == Event.LOAD_COMPLETED.value]
        assert told["success"] is False
        assert told["failed_tables"] == [f"settlement.{table}"]
        assert "settlement.partner_info" in told["successful_tables"]
        assert night.files_with({canary}) == []
        assert night.objects_with({canary}, besides="incremental/") == []
        assert night.job("load").returncode == 1, "nor is it one the next time"
        night.settings["REDSHIFT_TOO_LONG"] = "null"
        assert night.job("load").returncode == 0
    finally:
        night.settings.pop("REDSHIFT_TOO_LONG", None)
        world.mysql(f"UPDATE {table} SET remark = NULL WHERE length(remark) > 65535")
        world.mysql(f"ALTER TABLE {table} MODIFY remark TEXT")


def assert_verified(night: Night) -> None:
    verified = night.tidemark("verify")
    assert verified.returncode == 0, verified.stdout
