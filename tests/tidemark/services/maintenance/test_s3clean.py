"""s3clean and clean on the sandbox: what goes, what stays, and that manifests stay true."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from policies import Policies, police
from tidemark.config.project import Project
from tidemark.services.lake import catalogue
from tidemark.services.lake.listing import read_archive, read_manifests
from tidemark.state.store import state_folder
from tidemark_core.names import TableName
from tidemark_core.s3.lease import Lease

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

WHEN = datetime(2025, 8, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def next_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket's clock, thirty days on: objects cannot be made old."""
    later = datetime.now(UTC) + timedelta(days=30)
    monkeypatch.setattr(catalogue, "bucket_time", lambda _: later)


def test_list_tells_loaded_waiting_and_orphan_apart(lake: Lake) -> None:
    loaded, waiting, orphan = (lake.file(batch=n) for n in (1, 2, 3))
    lake.commit(loaded, waiting)
    lake.load(loaded)
    listed = lake.run("s3clean", "list", "--format", "json").json
    assert {file["key"]: file["status"] for file in listed["files"]} == {
        loaded.key: "loaded",
        waiting.key: "waiting",
        orphan.key: "orphan",
    }
    assert listed["tables"][0] == {
        "table": str(lake.table),
        "files": 3,
        "loaded": 1,
        "waiting": 1,
        "committed": 0,
        "orphan": 1,
        "lost": 0,
        "bytes": loaded.size + waiting.size + orphan.size,
    }
    table = lake.run("s3clean", "list")
    assert loaded.key.rpartition("/")[2] in table.out


def test_a_file_that_was_replaced_after_its_load_counts_as_not_loaded(lake: Lake) -> None:
    file = lake.file()
    lake.commit(file)
    lake.load(file)
    lake.file(rows=4)
    assert lake.run("s3clean", "list", "--format", "json").json["files"][0]["status"] == "waiting"


def test_clean_removes_loaded_files_and_orphans_and_nothing_else(
    lake: Lake, next_month: None
) -> None:
    loaded, waiting, orphan = (lake.file(batch=n) for n in (1, 2, 3))
    other_table = TableName("settlement", lake.table.table + "x")
    other = lake.file(table=other_table)
    manifest = lake.commit(loaded, waiting)
    lake.commit(other, table=other_table)
    lake.load(loaded)
    lake.load(other, table=other_table)
    stranger = f"{lake.project.layout.incremental}README.parquet"
    lake.project.s3.put_object(Bucket=lake.project.bucket, Key=stranger, Body=b"mine")

    done = lake.run("s3clean", "clean", "-t", str(lake.table), "--force", "--format", "json")
    assert done.code == 0, done.err
    assert done.json["removed"]["files"] == 2
    assert done.json["removed"]["bytes"] == loaded.size + orphan.size
    assert lake.keys("incremental/") == {waiting.key, other.key, stranger}
    (left,) = read_manifests(lake.project.location)[lake.table]
    assert left.key(lake.project.layout) == manifest
    assert [file.key for file in left.files] == [waiting.key]
    (gone,) = read_archive(lake.project.location)[lake.table]
    assert [file.key for file in gone.files] == [loaded.key]

    all_of_it = lake.run(
        "s3clean", "clean-all", "-t", str(lake.table), "--force", "--include-unloaded"
    )
    assert all_of_it.code == 0, all_of_it.err
    assert lake.keys("incremental/") == {other.key, stranger}
    assert lake.table not in read_manifests(lake.project.location)
    (gone,) = read_archive(lake.project.location)[lake.table]
    assert {file.key for file in gone.files} == {loaded.key, waiting.key}


def test_a_young_orphan_may_still_be_committed_and_stays(lake: Lake) -> None:
    orphan = lake.file()
    done = lake.run("s3clean", "clean-all", "--force")
    assert "may still commit it" in done.out
    assert lake.keys("incremental/") == {orphan.key}


def test_a_dry_run_touches_nothing(lake: Lake, next_month: None) -> None:
    lake.commit(lake.file())
    lake.file(batch=2)
    before = lake.keys()
    done = lake.run("s3clean", "clean-all", "--include-unloaded", "--dry-run")
    assert done.code == 0
    assert "2 files" in done.out
    assert lake.keys() == before


def test_without_a_terminal_and_without_force_nothing_goes(lake: Lake, next_month: None) -> None:
    lake.file()
    before = lake.keys("incremental/")
    done = lake.run("s3clean", "clean")
    assert done.code == 2
    assert "--yes" in done.err
    assert lake.keys("incremental/") == before


class Terminal(io.StringIO):
    """Standard input with a person before it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("command", "answers", "goes"),
    [
        ("clean", "y\n", True),
        ("clean", "n\n", False),
        ("clean-all", "y\nn\n", False),
        ("clean-all", "y\ny\n", True),
    ],
)
def test_clean_asks_once_and_clean_all_twice(
    lake: Lake,
    next_month: None,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    answers: str,
    goes: bool,
) -> None:
    file = lake.file()
    monkeypatch.setattr(sys, "stdin", Terminal(answers))
    done = lake.run("s3clean", command)
    assert (file.key not in lake.keys("incremental/")) is goes
    assert done.code == (0 if goes else 1)
    assert done.err.count("?") == (2 if command == "clean-all" else 1)


def test_an_unknown_table_is_refused_with_the_known_ones(lake: Lake) -> None:
    lake.file()
    done = lake.run("s3clean", "list", "-t", "settlement.nothing")
    assert done.code == 2
    assert str(lake.table) in done.err


def test_while_a_backup_writes_the_table_nothing_is_removed(lake: Lake, next_month: None) -> None:
    orphan = lake.file()
    key = lake.project.layout.lease_key(lake.table, "lake")
    with Lease.acquire(lake.project.s3, lake.project.bucket, key, owner="the nightly run"):
        done = lake.run("s3clean", "clean-all", "--force")
    assert done.code == 4
    assert "the nightly run" in done.err
    assert orphan.key in lake.keys("incremental/")


def test_when_the_warehouse_cannot_be_asked_committed_files_stay(
    lake: Lake, next_month: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = lake.file()
    lake.commit(file)
    lake.load(file)
    monkeypatch.setenv("REDSHIFT_SSH_BASTION_PORT", "1")
    done = lake.run("s3clean", "clean-all", "--force")
    assert done.code == 0
    assert "Could not ask the warehouse" in done.err
    assert lake.keys("incremental/") == {file.key}


@pytest.mark.soak
def test_more_than_a_page_of_files_is_removed(lake: Lake, next_month: None) -> None:
    layout, client = lake.project.layout, lake.project.s3

    def put(batch: int) -> None:
        key = layout.data_key(lake.table, WHEN, batch)
        client.put_object(Bucket=lake.project.bucket, Key=key, Body=b"")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(1, 1102)))
    done = lake.run("s3clean", "clean-all", "--force", "--format", "json")
    assert done.json["removed"]["files"] == 1101
    assert lake.keys("incremental/") == set()


@pytest.mark.fault(46)
@pytest.mark.parametrize("prefix", ["", "/", "..", "watermark/", "t-other/incremental/"])
def test_clean_refuses_a_prefix_outside_the_lake(lake: Lake, prefix: str, next_month: None) -> None:
    lake.file()
    before = lake.keys()
    done = lake.run("clean", "--prefix", prefix, "--days", "1", "--confirm")
    assert done.code == 2
    assert "not inside the lake" in done.err
    assert lake.keys() == before


@pytest.mark.fault(46)
def test_clean_refuses_another_bucket_and_shows_before_it_removes(
    lake: Lake, next_month: None
) -> None:
    orphan, waiting = lake.file(), lake.file(batch=2)
    lake.commit(waiting)
    assert lake.run("clean", "--bucket", "other", "--days", "1", "--confirm").code == 2
    shown = lake.run("clean", "--days", "1")
    assert "Dry run" in shown.out
    assert lake.keys("incremental/") == {orphan.key, waiting.key}
    folder = lake.project.layout.data_prefix(lake.table)
    done = lake.run(
        "clean", "--bucket", lake.project.bucket, "--prefix", folder, "--days", "1", "--confirm"
    )
    assert done.code == 0, done.err
    assert lake.keys("incremental/") == {waiting.key}


@pytest.mark.security(26)
def test_what_is_cleaned_from_a_locked_bucket_is_hidden_and_can_be_brought_back(
    lake: Lake, locked: str, next_month: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_BUCKET_NAME", locked)
    own = replace(lake, project=Project.load())
    s3, file = own.project.s3, own.file()
    own.commit(file)
    own.load(file)
    assert own.run("s3clean", "clean", "-t", str(own.table), "--force").code == 0
    assert own.keys("incremental/") == set()
    listed = s3.list_object_versions(Bucket=locked, Prefix=file.key)
    ((kept,), (marker,)) = listed["Versions"], listed["DeleteMarkers"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=locked, Key=file.key, VersionId=kept["VersionId"])
    s3.delete_object(Bucket=locked, Key=file.key, VersionId=marker["VersionId"])
    assert own.keys("incremental/") == {file.key}


@pytest.mark.security(26)
def test_the_maintainers_policy_suffices_for_a_part_of_a_manifest(
    lake: Lake, next_month: None, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest is written again, which the bucket lets the maintainer alone, over that one."""
    kept, gone = lake.file(batch=1), lake.file(batch=2)
    lake.commit(kept, gone)
    lake.load(kept, gone)
    project = lake.project
    project.s3.delete_object(Bucket=project.bucket, Key=gone.key)
    words = ("s3clean", "clean", "-t", str(lake.table), "--lost", "--force")
    for role, code in (("loader", 1), ("maintainer", 0)):
        with monkeypatch.context() as patch:
            folder = project_root / "orchestrate" / "iam"
            states = state_folder(project.watermark_key)
            rights = Policies.of(folder, role, project.bucket, project.layout, states)
            refused = police(rights, patch)
            done = lake.run(*words)
        assert (done.code, bool(refused)) == (code, code == 1), done.err
    (manifest,) = read_manifests(project.location, [lake.table])[lake.table]
    assert [file.key for file in manifest.files] == [kept.key]
