"""Retention by the settings: what is old enough and safe goes, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tidemark.commands import clean as command
from tidemark.services import catalogue
from tidemark.services.bookmarks import Leg

if TYPE_CHECKING:
    from conftest import Lake


@pytest.fixture
def next_month(monkeypatch: pytest.MonkeyPatch) -> None:
    later = datetime.now(UTC) + timedelta(days=30)
    for module in (catalogue, command):
        monkeypatch.setattr(module, "bucket_time", lambda _: later)


def test_without_settings_everything_is_kept(lake: Lake, next_month: None) -> None:
    file = lake.file()
    lake.commit(file)
    lake.load(file)
    before = lake.keys()
    done = lake.run("clean", "--retention", "--confirm")
    assert done.code == 0, done.err
    assert "kept for good" in done.out
    assert lake.keys() == before


def test_retention_goes_by_the_settings(
    lake: Lake, next_month: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, waiting = lake.file(), lake.file(batch=2)
    manifest = lake.commit(loaded, waiting)
    lake.load(loaded)
    lake.bookmark(Leg.BACKUP, {"replication_key": "update_at", "replication_key_value": "2025"})
    layout, today = lake.project.layout, datetime.now(UTC).date()
    report = layout.run_key(today, "r", "extract")
    copy = "watermark/dev%3Atap-mysql-to-target-s3-parquet/backups/2025-01-01_00-00-00-000000.json"
    stranger = layout.runs_root + "notes.json"
    for key in (report, layout.root + copy, stranger):
        lake.project.s3.put_object(Bucket=lake.project.bucket, Key=key, Body=b"{}")
    monkeypatch.setenv("BACKUP_RETENTION_DAYS", "20")
    monkeypatch.setenv("ARCHIVE_RETENTION_DAYS", "25")
    before = lake.keys()
    shown = lake.run("clean", "--retention", "--dry-run", "--format", "json").json
    assert (shown["files"]["count"], shown["records"]["count"], shown["removed"]) == (1, 2, False)
    assert lake.keys() == before
    done = lake.run("clean", "--retention", "--confirm")
    assert done.code == 0, done.err
    left = lake.keys()
    assert before - left == {loaded.key, report, layout.root + copy}
    assert {waiting.key, manifest, stranger} <= left
    assert any(key.endswith("/state.json") for key in left)


def test_landing_gives_up_loads_that_dbt_has_built_and_no_other(
    lake: Lake, next_month: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, sandbox = lake.table.landing, lake.sandbox
    loader, dbt = "tidemark_loader", "tidemark_transformer"
    first, second = lake.file(), lake.file(batch=2)
    lake.load(first, load_id=1)
    lake.load(second, load_id=2)
    sandbox.warehouse(
        f"CREATE TABLE landing.{name} (id BIGINT, _tidemark_load_id BIGINT)", user=loader
    )
    sandbox.warehouse(f"INSERT INTO landing.{name} VALUES (1, 1), (2, 1), (3, 2)", user=loader)
    sandbox.warehouse("CREATE SCHEMA IF NOT EXISTS tidemark_dbt")
    sandbox.warehouse(f"GRANT ALL ON SCHEMA tidemark_dbt TO {dbt}")
    sandbox.warehouse(f"CREATE TABLE tidemark_dbt.{name}__loads (load_id BIGINT)", user=dbt)
    sandbox.warehouse(f"INSERT INTO tidemark_dbt.{name}__loads VALUES (1)", user=dbt)
    monkeypatch.setenv("LANDING_RETENTION_DAYS", "20")
    try:
        done = lake.run("clean", "--retention", "--confirm", "--format", "json")
        assert done.code == 0, done.err
        assert done.json["landing"]["loads"] >= 1
        assert sandbox.warehouse(f"SELECT id FROM landing.{name}", user=loader) == [(3,)]
        ledger = sandbox.warehouse(
            "SELECT count(*) FROM landing.tidemark_loads WHERE landing_table = %s", [name],
            user=loader,
        )  # fmt: skip
        assert ledger == [(2,)]
    finally:
        sandbox.warehouse(f"DROP TABLE landing.{name}", user=loader)
        sandbox.warehouse(f"DROP TABLE tidemark_dbt.{name}__loads", user=dbt)
