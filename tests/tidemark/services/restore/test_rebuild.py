from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.lake import catalogue
from tidemark.services.verify.counts import StageCounts
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

MARK = {"replication_key": "update_at", "replication_key_value": "2025-08-03T04:05:06.000000"}


@pytest.fixture
def landed(lake: Lake) -> Lake:
    """A table with a landing table, an entry in the ledger and both bookmarks."""
    file = lake.file()
    lake.commit(file)
    lake.load(file)
    lake.bookmark(Leg.BACKUP, MARK, **{"settlement-other": MARK})
    lake.bookmark(Leg.LOAD, {"replication_key": "_sdc_extracted_at"})
    lake.sandbox.warehouse(
        f"CREATE TABLE landing.{lake.landing} (id BIGINT)", user="tidemark_loader"
    )
    return lake


def ledger(lake: Lake, table: TableName) -> list[int]:
    """The rows of each file that the ledger has of a table."""
    query = "SELECT row_count FROM landing.tidemark_loads WHERE source_table = %s"
    return [int(rows) for (rows,) in lake.sandbox.warehouse(query, [str(table)])]


def tables(lake: Lake) -> int:
    query = "SELECT count(*) FROM svv_tables WHERE table_schema = 'landing' AND table_name = %s"
    return int(lake.sandbox.warehouse(query, [lake.landing])[0][0])


def test_rebuild_starts_both_legs_afresh_and_drops_the_landing_table(landed: Lake) -> None:
    other = TableName("settlement", f"other{uuid.uuid4().hex[:8]}")
    landed.load(landed.file(table=other), table=other)
    landed.commit(landed.file(batch=2))  # the one that did not fit
    done = landed.run("rebuild", str(landed.table), "--yes")
    assert done.code == 0, done.err
    assert tables(landed) == 0
    assert ledger(landed, landed.table) == [0, 0]
    assert ledger(landed, other) == [3]
    assert landed.bookmarks(Leg.BACKUP) == {"settlement-other": MARK}
    mark = landed.bookmarks(Leg.LOAD)[landed.table.stream]
    assert mark["replication_key_value"] > "2025-08-03T04:05:06"
    assert f"tidemark sync -t {landed.table}" in done.out


def test_from_the_lake_every_file_waits_for_its_load_again(landed: Lake) -> None:
    done = landed.run("rebuild", str(landed.table), "--from-lake", "--yes")
    assert done.code == 0, done.err
    assert tables(landed) == 0
    assert ledger(landed, landed.table) == []
    assert landed.bookmarks(Leg.BACKUP)[landed.table.stream] == MARK
    assert landed.bookmarks(Leg.LOAD) == {}
    (shown,) = landed.run("watermark", "get", "-t", str(landed.table), "--format", "json").json
    assert shown["files_waiting"] == 1
    assert f"tidemark sync -t {landed.table} --redshift-only" in done.out


def test_from_a_lake_with_gaps_only_when_told(
    landed: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "bucket_time", lambda _: datetime.now(UTC) + timedelta(days=9))
    assert landed.run("s3clean", "clean", "-t", str(landed.table), "--force").code == 0
    refused = landed.run("rebuild", str(landed.table), "--from-lake", "--yes")
    assert refused.code != 0
    assert "retention has removed 1 files" in refused.err
    assert tables(landed) == 1
    words = ("--from-lake", "--accept-incomplete", "--yes")
    assert landed.run("rebuild", str(landed.table), *words).code == 0
    assert tables(landed) == 0


@pytest.mark.fault(159)
def test_of_full_copies_the_newest_is_enough(landed: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "bucket_time", lambda _: datetime.now(UTC) + timedelta(days=9))
    assert landed.run("s3clean", "clean", "-t", str(landed.table), "--force").code == 0
    landed.commit(landed.file(batch=2), method="FULL_TABLE")
    done = landed.run("rebuild", str(landed.table), "--from-lake", "--yes")
    assert done.code == 0, done.err


def test_rebuild_asks_first(landed: Lake) -> None:
    done = landed.run("rebuild", str(landed.table))
    assert done.code == 2
    assert "--yes" in done.err
    assert tables(landed) == 1
    assert ledger(landed, landed.table) == [3]
    assert landed.bookmarks(Leg.BACKUP)[landed.table.stream] == MARK


def test_after_a_rebuild_no_old_file_waits_for_a_load(landed: Lake) -> None:
    landed.commit(landed.file(batch=2))
    assert landed.run("rebuild", str(landed.table), "--yes").code == 0
    (shown,) = landed.run("watermark", "get", "-t", str(landed.table), "--format", "json").json
    assert (shown["files_waiting"], shown["rows_loaded"]) == (0, 0)
    files = landed.run("s3clean", "list", "--format", "json").json["files"]
    assert {file["status"] for file in files} == {"loaded"}


def test_what_a_rebuild_has_passed_over_is_no_difference_and_what_is_lost_is_one() -> None:
    counts = StageCounts("s.t", 40, 0, lake=194, landing=40, public=40, passed_over=154)
    assert counts.differences() == []
    (difference,) = replace(counts, landing=39).differences()
    assert difference == (
        "landing has 39 rows, the lake has 194, 154 of them skipped by a rebuild: "
        "tidemark rebuild -t s.t --from-lake"
    )
