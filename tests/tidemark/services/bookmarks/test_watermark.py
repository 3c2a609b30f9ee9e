"""watermark on the sandbox: what is shown, what is changed, what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tidemark.services.bookmarks.bookmark import Leg
from tidemark_core.names import TableName
from tidemark_core.s3.lease import Lease
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

OTHER = {"replication_key": "update_at", "replication_key_value": "2025-01-01T00:00:00.000000"}
MARK = {
    "replication_key": "update_at",
    "replication_key_value": "2025-08-03T04:05:06.000000",
    "tidemark": {"version": 1, "table": "settlement.x", "key_type": "timestamp(0)"},
}


def mark(lake: Lake, value: Any = None) -> dict[str, Any]:
    own = MARK["tidemark"] | {"table": str(lake.table)}  # type: ignore[operator]
    return MARK | {"tidemark": own} | ({"replication_key_value": value} if value else {})


def test_get_shows_both_legs_in_one_view(lake: Lake) -> None:
    one, two = lake.file(rows=3), lake.file(rows=4, batch=2)
    lake.commit(one, two)
    lake.load(one)
    lake.bookmark(Leg.BACKUP, mark(lake), **{"settlement-other": OTHER})
    (shown,) = lake.run("watermark", "get", "-t", str(lake.table), "--format", "json").json
    assert shown["table"] == str(lake.table)
    assert shown["replication_key"] == "update_at"
    assert shown["last_data"] == "2025-08-03T04:05:06.000000"
    assert shown["last_extraction"] == "2025-08-03T04:05:06Z"
    assert shown["strategy"] == "bookmark"
    assert (shown["rows_extracted"], shown["files_extracted"]) == (7, 2)
    assert (shown["rows_loaded"], shown["files_loaded"], shown["files_waiting"]) == (3, 1, 1)
    assert shown["status"] == "backed up; 1 file to be loaded"
    every = lake.run("watermark", "list", "--format", "json").json
    assert {row["table"] for row in every} == {str(lake.table), "settlement.other"}


def by_log(lake: Lake, position: dict[str, Any]) -> dict[str, Any]:
    """The bookmark of a table that is read from the binary log."""
    own = {"version": 1, "table": str(lake.table), "replication_method": "LOG_BASED"}
    return {"tidemark": own | {"position": position, "epoch": "x", "read_at": "x"}}


def test_a_place_in_the_log_is_shown_and_set(lake: Lake) -> None:
    log = [(str(row[0]), int(row[1])) for row in lake.sandbox.mysql("SHOW BINARY LOGS")]
    file, size = log[-1]
    lake.bookmark(Leg.BACKUP, by_log(lake, {"file": file, "offset": 99, "gtid": "0-1-2"}))
    name = str(lake.table)
    (shown,) = lake.run("watermark", "get", "-t", name, "--format", "json").json
    assert (shown["last_data"], shown["status"]) == (f"{file}:99", "backed up")
    set_to = ("watermark", "set", "-t", name, "--yes", "--position")
    for wrong in (f"{file}:{size + 1_000_000}", f"{file}:3", f"{file}:x", "other.000001:4", "4"):
        assert "is not a position in the log" in lake.run(*set_to, wrong).err
    done = lake.run(*set_to, f"{file}:{size}")
    assert done.code == 0, done.err
    assert f"{file}:99 → {file}:{size} (by hand)" in done.out
    own = lake.bookmarks(Leg.BACKUP)[lake.table.stream]["tidemark"]
    assert own["position"]["gtid"] == ""
    assert (own["position"]["file"], own["position"]["offset"]) == (file, size)
    assert own["epoch"] == "x"
    (shown,) = lake.run("watermark", "get", "-t", name, "--format", "json").json
    assert shown["strategy"] == "manual"


def test_a_table_that_is_not_read_by_the_log_has_no_place_in_it(lake: Lake) -> None:
    lake.bookmark(Leg.BACKUP, mark(lake))
    done = lake.run("watermark", "set", "-t", str(lake.table), "--position", "b.000001:4", "--yes")
    assert "is not read from MySQL's binary log" in done.err


def test_set_shows_old_and_new_keeps_a_copy_and_touches_no_other_table(lake: Lake) -> None:
    lake.commit(lake.file())
    lake.bookmark(Leg.BACKUP, mark(lake), **{"settlement-other": OTHER})
    done = lake.run(
        "watermark", "set", "-t", str(lake.table), "--timestamp", "2025-08-01 00:00:00", "--yes"
    )
    assert done.code == 0, done.err
    assert "2025-08-03T04:05:06.000000 → 2025-08-01T00:00:00.000000" in done.out
    marks = lake.bookmarks(Leg.BACKUP)
    assert marks["settlement-other"] == OTHER
    assert marks[lake.table.stream]["replication_key_value"] == "2025-08-01T00:00:00.000000"
    assert marks[lake.table.stream]["tidemark"]["key_type"] == "timestamp(0)"
    (copy,) = [key for key in lake.keys("watermark/") if "/backups/" in key]
    body = lake.project.s3.get_object(Bucket=lake.project.bucket, Key=copy)["Body"].read()
    kept = json.loads(body)["completed"]["singer_state"]["bookmarks"]
    assert kept == {lake.table.stream: mark(lake), "settlement-other": OTHER}
    assert (
        lake.bookmarks(Leg.LOAD)[lake.table.stream]["replication_key_value"]
        == "2025-08-01T00:00:00.000000"
    )
    (shown,) = lake.run("watermark", "get", "-t", str(lake.table), "--format", "json").json
    assert shown["strategy"] == "manual"


def test_without_an_answer_nothing_is_changed(lake: Lake) -> None:
    lake.bookmark(Leg.BACKUP, mark(lake))
    before = lake.keys()
    done = lake.run("watermark", "set", "-t", str(lake.table), "--timestamp", "2025-08-01")
    assert done.code == 2
    assert "--yes" in done.err
    assert lake.bookmarks(Leg.BACKUP)[lake.table.stream] == mark(lake)
    assert lake.keys() == before


@pytest.mark.fault(24)
def test_the_future_garbage_and_the_wrong_kind_are_refused(lake: Lake) -> None:
    lake.bookmark(Leg.BACKUP, mark(lake))
    future = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
    for arguments in (
        ["--timestamp", future],
        ["--timestamp", "soon"],
        ["--id", "7"],
        [],
        ["--id", "7", "--timestamp", "2025-01-01"],
    ):
        done = lake.run("watermark", "set", "-t", str(lake.table), "--yes", *arguments)
        assert done.code == 2, arguments
        assert "Traceback" not in done.err
    assert lake.bookmarks(Leg.BACKUP)[lake.table.stream] == mark(lake)


def test_reset_is_a_fresh_start_of_one_table_on_both_legs(lake: Lake) -> None:
    lake.bookmark(Leg.BACKUP, mark(lake), **{"settlement-other": OTHER})
    lake.bookmark(Leg.LOAD, {"replication_key": "_sdc_extracted_at"})
    done = lake.run("watermark", "reset", "-t", str(lake.table), "--yes")
    assert done.code == 0, done.err
    assert lake.bookmarks(Leg.BACKUP) == {"settlement-other": OTHER}
    assert lake.bookmarks(Leg.LOAD) == {}
    again = lake.run("watermark", "reset", "-t", str(lake.table), "--yes")
    assert again.code == 2
    assert "no bookmark" in again.err


def test_while_any_table_of_the_leg_is_written_nothing_is_changed(lake: Lake) -> None:
    """The run would write its own bookmarks over ours when it ends."""
    lake.bookmark(Leg.BACKUP, mark(lake), **{"settlement-other": OTHER})
    key = lake.project.layout.lease_key(TableName("settlement", "other"), "lake")
    with Lease.acquire(lake.project.s3, lake.project.bucket, key, owner="the nightly run"):
        done = lake.run("watermark", "reset", "-t", str(lake.table), "--yes")
    assert done.code == 4
    assert "the nightly run" in done.err
    assert lake.table.stream in lake.bookmarks(Leg.BACKUP)


@pytest.mark.fault(20)
def test_a_damaged_state_is_never_taken_for_an_empty_one(lake: Lake) -> None:
    lake.bookmark(Leg.BACKUP, mark(lake))
    (key,) = [key for key in lake.keys("watermark/") if key.endswith("state.json")]
    lake.project.s3.put_object(Bucket=lake.project.bucket, Key=key, Body=b"{")
    for command in (["list"], ["reset", "-t", str(lake.table), "--yes"]):
        done = lake.run("watermark", *command)
        assert done.code == 1
        assert "damaged" in done.err
    body = lake.project.s3.get_object(Bucket=lake.project.bucket, Key=key)["Body"].read()
    assert body == b"{"


def test_a_table_of_the_source_can_be_set_before_its_first_backup(
    lake: Lake, seeded: Sandbox
) -> None:
    done = lake.run(
        "watermark", "set", "-t", "partner_info", "--timestamp", "2025-08-01 00:00:00", "--yes"
    )
    assert done.code == 0, done.err
    assert lake.bookmarks(Leg.BACKUP)["settlement-partner_info"]["replication_key"] == "update_at"
    done = lake.run("watermark", "set", "-t", "delivery_status", "--id", "5", "--yes")
    assert done.code == 0, done.err
    assert lake.bookmarks(Leg.BACKUP)["settlement-delivery_status"]["replication_key"] == "ID"
    beyond = lake.run("watermark", "set", "-t", "delivery_status", "--id", "999999999", "--yes")
    assert beyond.code == 2
    assert "greatest id" in beyond.err


@pytest.mark.parametrize("command", [["get"], ["set", "--timestamp", "2025-01-01", "--yes"]])
def test_an_unknown_table_is_refused(lake: Lake, seeded: Sandbox, command: list[str]) -> None:
    done = lake.run("watermark", *command, "-t", "partner_inf")
    assert done.code == 2
    assert "no such table" in done.err or "such a table" in done.err
    assert not lake.keys("watermark/")
