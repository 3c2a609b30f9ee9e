"""Retention by the settings: what is old enough and safe goes, and nothing else."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from redshift_stand_in.postgres.backend import PostgresAddress, open_as_superuser
from redshift_stand_in.postgres.cluster import PORT
from tidemark.commands.clean import clean as command
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.lake import catalogue
from tidemark.services.maintenance.vacuum import judge

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


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
    assert "kept forever" in done.out
    assert lake.keys() == before


def test_orphans_go_after_a_week_whatever_the_settings(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan, committed = lake.file(), lake.file(batch=2)
    lake.commit(committed)
    for days, left in ((6, {orphan.key, committed.key}), (8, {committed.key})):
        later = datetime.now(UTC) + timedelta(days=days)
        for module in (catalogue, command):
            monkeypatch.setattr(module, "bucket_time", lambda _, now=later: now)
        done = lake.run("clean", "--retention", "--confirm", "--format", "json")
        assert done.code == 0, done.err
        assert done.json["orphans"]["count"] == 2 - len(left)
        assert lake.keys("incremental/") == left


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


@pytest.mark.parametrize(
    ("method", "left"), [("INCREMENTAL", [3]), ("FULL_TABLE", [1, 2, 3])], ids=["loads", "copy"]
)
@pytest.mark.parametrize(
    ("public", "state"), [("public", "tidemark_dbt"), ("trial", "trial_tidemark_dbt")]
)
def test_landing_gives_up_loads_that_dbt_has_built_and_no_other(
    lake: Lake, next_month: None, monkeypatch: pytest.MonkeyPatch, method: str, left: list[int],
    public: str, state: str,
) -> None:  # fmt: skip
    """Of a table that is read whole it has the newest copy only, and keeps it."""
    name, sandbox = lake.landing, lake.sandbox
    loader, dbt = "tidemark_loader", "tidemark_transformer"
    first, second = lake.file(), lake.file(batch=2)
    lake.commit(first, second, method=method)
    lake.load(first, load_id=1)
    lake.load(second, load_id=2)
    sandbox.warehouse(
        f"CREATE TABLE landing.{name} (id BIGINT, _tidemark_load_id BIGINT)", user=loader
    )
    sandbox.warehouse(f"INSERT INTO landing.{name} VALUES (1, 1), (2, 1), (3, 2)", user=loader)
    sandbox.warehouse(f"CREATE SCHEMA IF NOT EXISTS {state}")
    sandbox.warehouse(f"GRANT ALL ON SCHEMA {state} TO {dbt}")
    sandbox.warehouse(f"CREATE TABLE {state}.{name}__loads (load_id BIGINT)", user=dbt)
    sandbox.warehouse(f"INSERT INTO {state}.{name}__loads VALUES (1)", user=dbt)
    monkeypatch.setenv("LANDING_RETENTION_DAYS", "20")
    monkeypatch.setenv("REDSHIFT_SCHEMA", public)
    try:
        done = lake.run("clean", "--retention", "--confirm", "--format", "json")
        assert done.code == 0, done.err
        rows = sandbox.warehouse(f"SELECT id FROM landing.{name} ORDER BY id", user=loader)
        assert [number for (number,) in rows] == left
        ledger = sandbox.warehouse(
            "SELECT count(*) FROM landing.tidemark_loads WHERE landing_table = %s", [name],
            user=loader,
        )  # fmt: skip
        assert ledger == [(2,)]
    finally:
        sandbox.warehouse(f"DROP TABLE landing.{name}", user=loader)
        sandbox.warehouse(f"DROP TABLE {state}.{name}__loads", user=dbt)
        if public != "public":
            sandbox.warehouse(f"DROP SCHEMA {state}")


def test_it_says_which_tables_need_analyze_until_they_are_analyzed(lake: Lake) -> None:
    table = f"landing.{lake.landing}"

    def upkeep() -> list[str]:
        done = lake.run("clean", "--retention", "--format", "json")
        assert done.code == 0, done.err
        return [need["command"] for need in done.json["upkeep"] if need["table"] == table]

    def until(command: str) -> None:
        """What a session did is counted when the server has ended it."""
        deadline = time.monotonic() + 20
        while command not in (found := upkeep()):
            assert time.monotonic() < deadline, found
            time.sleep(0.1)

    digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3)"
    crossed = ", ".join(f"{digits} t{number}" for number in range(6))
    lake.sandbox.redshift.query(f"CREATE TABLE {table} (id BIGINT)", user="tidemark_loader")
    try:
        # The server's own vacuum, once a minute, would be quicker than us now and then.
        address = PostgresAddress(lake.sandbox.config.postgres_sockets, PORT)
        database = lake.sandbox.env()["REDSHIFT_DATABASE"]
        with closing(open_as_superuser(address, database)) as session:
            session.query(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        lake.sandbox.redshift.query(
            f"INSERT INTO {table} SELECT t0.d FROM {crossed}", user="tidemark_loader"
        )
        analyze = f'ANALYZE "landing"."{lake.landing}"'
        until(analyze)
        lake.sandbox.redshift.query(analyze, user="tidemark_loader")
        assert upkeep() == []
        lake.sandbox.redshift.query(f"DELETE FROM {table} WHERE id < 2", user="tidemark_loader")
        until(f'VACUUM DELETE ONLY "landing"."{lake.landing}"')
    finally:
        lake.sandbox.redshift.query(f"DROP TABLE {table}", user="tidemark_loader")


@pytest.mark.parametrize(
    ("rows", "visible", "unsorted", "stale", "commands"),
    [
        (10_000, 10_000, None, 0, []),
        (10_000, 8_000, None, 0, ['VACUUM DELETE ONLY "landing"."t"']),
        (10_000, 10_000, 25, 0, ['VACUUM SORT ONLY "landing"."t"']),
        (10_000, 7_000, 25, 0, ['VACUUM "landing"."t"']),
        (10_000, 8_100, 19, 10, ['ANALYZE "landing"."t"']),
        (999, 0, 100, 100, []),
    ],
)
def test_what_a_table_needs(
    rows: int, visible: int, unsorted: int | None, stale: int, commands: list[str]
) -> None:
    found = list(judge("landing", "t", rows, visible, unsorted, stale))
    assert [need.command for need in found] == commands
    assert all("%" in need.why for need in found)


def test_a_warehouse_that_cannot_be_asked_keeps_nothing_from_being_cleaned(
    lake: Lake, next_month: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.file()  # an orphan
    monkeypatch.setenv("REDSHIFT_SSH_BASTION_PORT", "1")
    done = lake.run("clean", "--retention", "--confirm")
    assert done.code == 0, done.err
    assert "VACUUM or ANALYZE" in done.err
    assert lake.keys("incremental/") == set()
