"""What the operator is told is so: late rows, rebuilds under odd clocks, damage, slips."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.health.status import judge_waiting
from tidemark.services.watermark.view import watermark
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


@pytest.fixture
def addresses(past_the_bastion: dict[str, str]) -> dict[str, str]:
    """Past the bastion: each command would log in there twice."""
    return past_the_bastion


def insert_late(lake: Lake) -> None:
    lake.sandbox.mysql(
        f"INSERT INTO {lake.table.table} VALUES (77, 'late', 1, '2025-08-03 11:00:00')"
    )


@pytest.mark.fault(2, 10)
def test_reconcile_tells_of_late_rows_and_its_command_ends_the_matter(copied: Lake) -> None:
    assert copied.run("reconcile", "-t", str(copied.table)).code == 0
    insert_late(copied)
    copied.sandbox.mysql(
        f"INSERT INTO {copied.table.table} VALUES (78, 'new', 1, '2025-08-03 13:00:00')"
    )
    assert f"tidemark reconcile -t {copied.table}" in copied.run("verify").err
    done = copied.run("reconcile", "-t", str(copied.table), "--format", "json")
    assert done.code == 3
    (late,) = done.json["late"]
    assert (late["rows"], late["first"], late["since"]) == (1, ["77"], "2025-08-03 11:00:00")
    told = f"watermark set -t {copied.table} --timestamp '2025-08-03 11:00:00'"
    assert told in done.err
    assert copied.run(*shlex.split(told), "--yes").code == 0
    assert copied.bookmarks(Leg.BACKUP)[copied.table.stream]["replication_key_value"].startswith(
        "2025-08-03T11:00:00"
    )


@pytest.mark.fault(2)
def test_a_row_that_only_waits_for_dbt_is_not_to_be_read_again(copied: Lake) -> None:
    insert_late(copied)
    copied.sandbox.warehouse(
        f"INSERT INTO landing.{copied.landing} VALUES (77, 'late', 1, '2025-08-03 11:00:00', 1)",
        user="tidemark_loader",
    )
    done = copied.run("reconcile", "-t", str(copied.table), "--yes")
    assert done.code == 3
    assert "landing has them: meltano run build" in done.err


@pytest.mark.fault(146)
@pytest.mark.parametrize("minutes", [-120, -2, 2, 120])
def test_a_rebuild_loads_the_fresh_copy_whatever_the_clocks_say(lake: Lake, minutes: int) -> None:
    """The copy is dated by MySQL's clock, which may be behind S3's or before it."""
    now = datetime.now(UTC).replace(microsecond=0)
    before = [lake.file(now - timedelta(days=1)), lake.file(now + timedelta(hours=1))]
    lake.commit(before[0], moment=now - timedelta(days=1))
    lake.commit(before[1], moment=now + timedelta(hours=1))
    lake.load(before[0])
    assert lake.run("rebuild", str(lake.table), "--yes").code == 0
    assert waiting(lake) == {"table": str(lake.table), "files": 0, "files_waiting": 0, "left": 0}
    moment = now + timedelta(minutes=minutes)
    lake.commit(lake.file(moment, batch=9), moment=moment)
    assert waiting(lake)["files"] == 1


def waiting(lake: Lake) -> Any:
    dry = ("sync", "--redshift-only", "--dry-run", "-t", str(lake.table), "--format", "json")
    (told,) = lake.run(*dry).json
    return told


@pytest.mark.fault(147)
def test_a_file_before_a_bookmark_set_by_hand_is_left_and_told(copied: Lake) -> None:
    later = datetime(2025, 8, 4, tzinfo=UTC)
    copied.commit(copied.file(datetime(2025, 8, 3, 13, tzinfo=UTC)),
                  moment=datetime(2025, 8, 3, 13, tzinfo=UTC))  # fmt: skip
    copied.commit(copied.file(later + timedelta(hours=1)), moment=later + timedelta(hours=1))
    mark = {
        "replication_key": "_sdc_extracted_at",
        "replication_key_value": "2025-08-04T00:00:00.000000",
    }
    copied.bookmark(Leg.LOAD, mark)
    told = waiting(copied)
    assert (told["files"], told["files_waiting"], told["left"]) == (1, 2, 1)
    cure = f"tidemark watermark reset -t {copied.table} --leg load"
    done = copied.run("sync", "--redshift-only", "--dry-run", "-t", str(copied.table))
    assert cure in done.err
    verified = copied.run("verify", "-t", str(copied.table))
    assert verified.code == 3
    assert f"{cure}, then tidemark sync -t {copied.table} --redshift-only" in verified.err
    assert copied.run(*cure.split()[1:], "--yes").code == 0
    assert waiting(copied)["files"] == 2


@pytest.mark.fault(147)
def test_an_old_waiting_file_warns_beside_a_young_one(lake: Lake) -> None:
    now = datetime(2025, 8, 10, tzinfo=UTC)
    moments = [now - timedelta(days=5), now - timedelta(hours=1)]
    manifests = [
        Manifest(lake.table, "run", part, moment, {}, (), (lake.file(moment, batch=part),))
        for part, moment in enumerate(moments, 1)
    ]
    (found,) = judge_waiting([watermark(lake.table, None, manifests, [], [])], now, 26)
    assert "2 files waiting to be loaded, the oldest since 5 days" in found.message
    assert f"tidemark watermark reset -t {lake.table} --leg load" in str(found.hint)
    young = watermark(lake.table, None, manifests[1:], [], [])
    assert list(judge_waiting([young], now, 26)) == []


@pytest.mark.fault(148)
@pytest.mark.parametrize("words", [
    "backup --dry-run", "backup", "sync --dry-run", "sync", "verify", "reconcile", "explore",
    "inspect", "watermark get", "watermark reset --yes", "s3clean list",
    "s3clean clean-all --force", "restore --to-file x.csv",
])  # fmt: skip
def test_an_empty_name_is_not_every_table(lake: Lake, words: str) -> None:
    lake.commit(lake.file())
    before = lake.keys()
    for name in ("", " ", ","):
        done = lake.run(*words.split(), "-t", name)
        # A comma is a name like any other where one table is asked for.
        assert done.code in ((1, 2) if name == "," else (2,)), (name, done.out + done.err)
    assert lake.keys() == before


@pytest.mark.fault(148)
def test_nothing_is_not_called_equal_and_a_slip_changes_nothing(lake: Lake) -> None:
    done = lake.run("verify")
    assert done.code in (1, 3)
    assert "agrees" not in done.out
    lake.commit(lake.file())
    before = lake.keys()
    done = lake.run("rebuild", "settlement.nosuch", "--yes")
    assert done.code == 2
    assert "no such table in the lake or in landing" in done.err
    assert lake.keys() == before
    assert lake.bookmarks(Leg.LOAD) == {}


def test_a_table_that_is_selected_and_was_never_copied_is_told(lake: Lake) -> None:
    lake.sandbox.mysql("CREATE TABLE IF NOT EXISTS partner_info (ID INT PRIMARY KEY)")
    try:
        had = lake.sandbox.mysql("SELECT count(*) FROM partner_info")[0][0]
        lake.sandbox.mysql("INSERT IGNORE INTO partner_info (ID) VALUES (1)")
        done = lake.run("verify")
        assert done.code == 3
        assert "settlement.partner_info: the lake has no files for it, MySQL has" in done.err
    finally:
        if not had:
            lake.sandbox.mysql("DROP TABLE partner_info")


@pytest.mark.fault(150)
@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"version": 1}', b"\xff"])
def test_a_damaged_manifest_leaves_the_other_tables_to_be_seen(
    copied: Lake, body: bytes, tmp_path: Any
) -> None:
    other = TableName("settlement", f"{copied.table.table}y")
    key = copied.commit(copied.file(table=other), table=other)
    copied.project.s3.put_object(Bucket=copied.project.bucket, Key=key, Body=body)
    for words in (
        ("explore",),
        ("watermark", "list"),
        ("report", "--html", str(tmp_path / "page.html")),
    ):
        done = copied.run(*words)
        assert done.code == 0, done.err
        assert key in done.err
    assert str(copied.table) in copied.run("explore").out
    found = copied.run("status", "--format", "json").json["findings"]
    assert any(key in one["message"] for one in found if one["part"] == "freshness")
    verified = copied.run("verify", "--format", "json")
    assert verified.code != 0
    verdicts = {one["table"]: one["verdict"] for one in verified.json}
    assert verdicts[str(copied.table)] == "counts agree"
    assert "failed" in verdicts.values()


GOOD: dict[str, Any] = {
    "version": 1, "run_id": "good", "leg": "extract", "started_at": "2025-08-03T00:00:00Z",
    "ended_at": "2025-08-03T00:00:09Z", "seconds": 9.0, "success": True, "error": None,
    "retries": 0, "tables": [], "host": "h", "user": "u",
}  # fmt: skip


@pytest.mark.fault(150)
@pytest.mark.parametrize("body", [
    "[" * 100_000,
    json.dumps(GOOD | {"run_id": "bad", "seconds": float("nan")}),
    json.dumps(GOOD | {"run_id": "bad", "seconds": "long"}),
    json.dumps(GOOD | {"run_id": "bad", "tables": {"a": 1}}),
    json.dumps(GOOD | {"run_id": "bad", "tables": [{"table": "s.t", "rows": "many"}]}),
    json.dumps(GOOD | {"run_id": "bad", "started_at": ["now"]}),
    json.dumps(GOOD | {"run_id": "bad", "seconds": 10**400}),
    json.dumps(GOOD | {"run_id": "bad", "retries": "twice"}),
    json.dumps(GOOD | {"run_id": "bad", "started_at": f"{GOOD['started_at']}, noon"}),
    pytest.param(json.dumps(GOOD | {"run_id": "bad", "error": "x" * (33 << 20)}), id="large"),
])  # fmt: skip
def test_a_damaged_run_report_is_left_out(lake: Lake, body: str, tmp_path: Any) -> None:
    today = datetime.now(UTC)
    stamp = today.strftime("%Y-%m-%dT%H:%M:%SZ")
    for run, text in {"good": json.dumps(GOOD | {"started_at": stamp}),
                      "bad": body.replace(GOOD["started_at"], stamp)}.items():  # fmt: skip
        key = lake.project.layout.run_key(today.date(), run, "extract")
        lake.project.s3.put_object(Bucket=lake.project.bucket, Key=key, Body=text.encode())
    done = lake.run("report", "--html", str(tmp_path / "page.html"))
    assert done.code == 0, done.err
    found = lake.run("status", "--format", "json").json["findings"]
    (runs,) = (one for one in found if one["part"] == "last runs")
    assert runs["message"].startswith("1 run within 7 days, 0 failed")
    assert lake.run("cloudwatch", "--dry-run").code == 0


def test_a_status_that_cannot_start_prints_an_error_for_monitors(
    lake: Lake, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "open.env"
    path.touch()
    path.chmod(0o644)
    monkeypatch.setenv("TIDEMARK_ENV_FILE", str(path))
    done = lake.run("status")
    assert done.code == 2
    assert "ERROR" in done.out
    assert lake.run("status", "--format", "json").json["status"] == "ERROR"


def test_a_dashboard_that_nobody_looks_at_ends(lake: Lake) -> None:
    lake.commit(lake.file())
    done = lake.run("dashboard")
    assert done.code == 0, done.err
    assert str(lake.table) in done.out


def test_a_name_with_dots_is_told_apart_by_what_is_known(lake: Lake) -> None:
    dotted = TableName("odd.db", "a.b")
    lake.commit(lake.file(table=dotted), table=dotted)
    done = lake.run("explore", "-t", "odd.db.a.b", "--format", "json")
    assert done.code == 0, done.err
    (table,) = done.json["tables"]
    assert table["table"] == "odd.db.a.b"
    other = TableName("odd", "db.a.b")
    lake.commit(lake.file(table=other), table=other)
    done = lake.run("explore", "-t", "odd.db.a.b")
    assert done.code == 2
    assert "'a.b' of 'odd.db'" in done.err
