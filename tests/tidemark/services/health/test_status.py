"""`status`, `config` and `info`: every part is asked, and what it says is judged."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tidemark.config.project import Project
from tidemark.services.health.checks import Level
from tidemark.services.health.doctor import judge_skew
from tidemark.services.health.status import check_disk, check_runs, checks, judge_age
from tidemark_core.runs.run_report import ReportedLeg, RunReport
from tidemark_core.s3.lease import Lease
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_lease_that_cannot_be_read_is_told_of(lake: Lake) -> None:
    """Whoever wants it has to wait for it, so status must not say that there is none."""
    key = lake.project.layout.lease_key(lake.table, "warehouse")
    lake.project.s3.put_object(Bucket=lake.project.bucket, Key=key, Body=b"garbage")
    try:
        done = lake.run("status", "--format", "json")
    finally:
        lake.project.s3.delete_object(Bucket=lake.project.bucket, Key=key)
    told = [f["message"] for f in done.json["findings"] if f["part"] == "lease"]
    assert any("an unknown process" in message for message in told)


def test_every_part_is_asked(lake: Lake, seeded: Sandbox) -> None:
    key = lake.project.layout.lease_key(lake.table, "lake")
    with Lease.acquire(lake.project.s3, lake.project.bucket, key, owner="the nightly run"):
        done = lake.run("status", "--format", "json")
    findings = {finding["part"]: finding for finding in done.json["findings"]}
    assert findings["MySQL"]["level"] == "OK"
    assert findings["S3"]["level"] == "OK"
    assert findings["warehouse"]["level"] == "OK"
    assert "the nightly run" in findings["lease"]["message"]
    assert findings["last runs"]["level"] == "WARN"
    assert done.code == 0
    assert lake.run("status", "--strict").code == 1


def test_config_shows_where_values_come_from_and_masks_secrets(lake: Lake) -> None:
    done = lake.run("config", "--format", "json")
    assert done.code == 0, done.out
    shown = {setting["name"]: setting for setting in done.json["settings"]}
    assert shown["DB_USER"]["source"] == "environment"
    assert shown["BACKUP_BATCH_SIZE"]["source"] == "default"
    assert shown["DB_PASSWORD"]["value"] == "***"
    for secret in ("DB_PASSWORD", "REDSHIFT_PASSWORD", "S3_SECRET_KEY"):
        assert lake.project.environ[secret] not in done.out


def test_config_exits_2_for_what_a_run_would_refuse(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKUP_MAX_WORKERS", "many")
    monkeypatch.delenv("DB_USER")
    done = lake.run("config", "DB_USER", "BACKUP_MAX_WORKERS", "DB_HOST")
    assert done.code == 2
    assert "required" in done.out
    assert "BACKUP_MAX_WORKERS must be of type integer" in done.out
    assert lake.run("config", "NO_SUCH").code == 2


def test_config_tries_the_connections(lake: Lake) -> None:
    found = lake.run("config", "--connect", "--format", "json").json["connections"]
    assert [f["level"] for f in found] == ["OK", "OK", "OK"]


def test_info_names_the_strategies_and_the_places(lake: Lake) -> None:
    told = lake.run("info", "--format", "json").json
    assert [s["name"] for s in told["strategies"]] == ["sequential", "inter-table", "chunked"]
    assert told["layout"]["data"] == lake.project.layout.incremental


def test_the_disk_of_a_folder_that_the_first_backup_will_create_is_looked_at(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path, {"BACKUP_TEMP_DIR": str(tmp_path / "not" / "yet")})
    (found,) = checks(project)["disk"]()
    free = shutil.disk_usage(tmp_path).free
    assert found.level is check_disk(free).level


def test_ages_disks_clocks_and_runs_are_judged() -> None:
    assert judge_age(None, NOW, 26).level is Level.WARN
    assert judge_age(NOW - timedelta(hours=25), NOW, 26).level is Level.OK
    assert judge_age(NOW - timedelta(hours=27), NOW, 26).level is Level.WARN
    assert [check_disk(size << 30).level for size in (0, 2, 9)] == ["ERROR", "WARN", "OK"]
    assert judge_skew("S3", timedelta(0), limit=timedelta(minutes=15)).level is Level.OK
    assert judge_skew("S3", -timedelta(minutes=2), limit=None).level is Level.WARN
    limit = timedelta(minutes=15)
    assert judge_skew("S3", timedelta(minutes=16), limit=limit).level is Level.ERROR
    leg = ReportedLeg("r", "job", "2026", seconds=1, success=True)
    good = RunReport.merge([leg])
    bad = RunReport.merge([replace(leg, success=False, error="the disk is full")])
    assert check_runs([]).level is Level.WARN
    assert check_runs(good).level is Level.OK
    assert "the disk is full" in check_runs(good + bad).message
