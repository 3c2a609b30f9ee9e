"""backup and sync on the sandbox: what a dry run says, and the same jobs as at night."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tidemark.services.bookmarks.bookmark import Leg
from tidemark_core.names import TableName
from tidemark_core.s3.lease import Lease
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


NOON = "2025-08-03T12:00:00"


def test_a_dry_run_counts_and_touches_nothing(lake: Lake, seeded: Sandbox) -> None:
    done = lake.run(
        "backup", "-t", "partner_info", "-t", "delivery_status", "--batch-size", "10",
        "--estimate", "--format", "json",
    )  # fmt: skip
    assert done.code == 0, done.err
    partner, status = done.json
    ((rows,),) = seeded.mysql("SELECT count(*) FROM partner_info")
    assert (partner["rows"], partner["counted"], partner["files"]) == (rows, True, -(-rows // 10))
    assert partner["since"] is None
    assert status["replication_key"] == "ID"
    assert lake.keys() == set()


def test_a_dry_run_after_a_backup_shows_the_window_and_nothing_to_move(
    lake: Lake, seeded: Sandbox
) -> None:
    ((newest,),) = seeded.mysql("SELECT max(update_at) FROM partner_info")
    bookmark = {"replication_key": "update_at", "replication_key_value": newest.isoformat()}
    lake.bookmark(Leg.BACKUP, None, **{"settlement-partner_info": bookmark})
    (told,) = lake.run("sync", "-t", "partner_info", "--dry-run", "--format", "json").json
    assert told["rows"] == 0
    assert told["edge"] >= 1
    assert told["since"] < told["until"]


@pytest.mark.fault(136)
def test_a_dry_run_shows_the_others_beside_a_table_that_would_fail(
    lake: Lake, seeded: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = {
        f"settlement-{name}": {"replication_key": "update_at", "replication_key_value": NOON}
        for name in ("a_gone", "a_keyless", "a_moved")
    }
    lake.bookmark(Leg.BACKUP, None, **marks)
    columns = "id INT PRIMARY KEY, update_at DATETIME"
    seeded.mysql(f"CREATE TABLE a_keyless ({columns})")
    seeded.mysql("CREATE TABLE a_moved (id INT PRIMARY KEY, updated DATETIME)")
    try:
        rows = f"(1, '{NOON}'), (2, '2025-08-03T12:00:01'), (3, NULL), (4, NULL)"
        seeded.mysql(f"INSERT INTO a_keyless VALUES {rows}")
        words = ["backup", "--dry-run", "--format", "json", "-t", "partner_info"]
        words += [word for name in marks for word in ("-t", name.removeprefix("settlement-"))]
        done = lake.run(*words)
        monkeypatch.setenv("BACKUP_NULL_KEYS", "read")
        read = lake.run(*words)
    finally:
        seeded.mysql("DROP TABLE a_keyless, a_moved")
    assert done.code == 1
    partner, gone, keyless, moved = done.json
    assert (partner["error"], partner["counted"]) == (None, True)
    assert "does not exist" in gone["error"]
    assert "2 rows have no replication key" in keyless["error"]
    assert "no longer exists" in moved["error"]
    assert "a_moved would fail" in done.err
    told = read.json[2]
    assert (told["error"], told["rows"], told["edge"]) == (None, 4, 3)


@pytest.mark.parametrize("command", ["backup", "sync"])
def test_an_unknown_table_is_refused_with_the_known_ones(
    lake: Lake, seeded: Sandbox, command: str
) -> None:
    done = lake.run(command, "-t", "partner_inf")
    assert done.code == 2
    assert "settlement.partner_info" in done.err
    assert lake.keys() == set()


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    "line", ["backup -t partner_info", "sync -t partner_info", "watermark reset -t x --yes"]
)
def test_while_a_job_is_at_work_a_second_one_says_who(
    lake: Lake, seeded: Sandbox, line: str
) -> None:
    lake.bookmark(Leg.BACKUP, None, **{"settlement-x": {"replication_key": "update_at"}})
    key = lake.project.layout.job_lease_key()
    with Lease.acquire(lake.project.s3, lake.project.bucket, key, owner="run-job sync"):
        done = lake.run(*line.split())
    assert done.code == 4
    assert "run-job sync" in done.err
    assert lake.keys("incremental/") == set()
    assert "settlement-x" in lake.bookmarks(Leg.BACKUP)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--backup-only --redshift-only", "exclude each other"),
        ("--backup-only --verify-data", "--backup-only"),
        ("--dry-run --verify-data", "--dry-run"),
        ("--redshift-only -s chunked", "--strategy"),
        ("--redshift-only --max-workers 2 --batch-size 5", "--max-workers, --batch-size"),
    ],
)
def test_options_that_would_do_nothing_are_refused(lake: Lake, line: str, words: str) -> None:
    done = lake.run("sync", *line.split())
    assert done.code == 2
    assert words in done.err


@pytest.mark.fault(138)
@pytest.mark.parametrize("command", ["backup", "sync --redshift-only"])
def test_a_setting_that_is_wrong_is_named_before_anything_is_run(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("BACKUP_MAX_WORKERS", "two")
    monkeypatch.setenv("S3_PARTITION_COLUMNS", "{bad")
    done = lake.run(*command.split(), "-t", "partner_info")
    assert done.code == 2
    assert "BACKUP_MAX_WORKERS" in done.err
    assert "S3_PARTITION_COLUMNS" in done.err


def test_a_dry_run_with_a_limit_shows_its_part(lake: Lake, seeded: Sandbox) -> None:
    command = "backup -t partner_info --limit 7 --dry-run --format json"
    (told,) = lake.run(*command.split()).json
    ends = seeded.mysql("SELECT update_at FROM partner_info ORDER BY update_at LIMIT 1 OFFSET 6")
    ((rows,),) = seeded.mysql("SELECT count(*) FROM partner_info WHERE update_at <= %s", ends[0])
    assert (told["rows"], told["until"], told["counted"]) == (rows, str(ends[0][0]), True)
    mark = {"replication_key": "update_at", "replication_key_value": ends[0][0].isoformat()}
    lake.bookmark(Leg.BACKUP, None, **{"settlement-partner_info": mark})
    (after,) = lake.run(*command.split()).json
    assert after["until"] > told["until"]
    assert 7 <= after["rows"] - after["edge"] < 20


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sync -t whole --limit 5", "settlement.whole"),
        ("backup -t whole -t partner_info --limit 5 --dry-run", "a limit does not apply"),
        ("sync -t partner_info --limit 5 --redshift-only", "--redshift-only"),
        ("sync -t partner_info --limit 0", "less than 1"),
    ],
)
def test_a_limit_that_cannot_hold_is_refused(
    lake: Lake, seeded: Sandbox, line: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.mysql("CREATE TABLE whole (name VARCHAR(9) PRIMARY KEY)")
    try:
        done = lake.run(*line.split())
    finally:
        seeded.mysql("DROP TABLE whole")
    assert done.code == 2
    assert words in done.err
    assert lake.keys() == set()


def tidemark(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as an operator runs it."""
    command = [str(Path(sys.executable).parent / "tidemark"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture
def meltano(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the test's own for what Meltano keeps on this machine."""
    monkeypatch.setenv("MELTANO_SYS_DIR_ROOT", str(tmp_path / "sys"))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)


def test_a_run_does_what_its_options_say(
    lake: Lake, seeded: Sandbox, meltano: None, tmp_path: Path
) -> None:
    """A file of settings that names another lake, a part of a table, small files, and all logs."""
    elsewhere = f"{lake.project.layout.root}elsewhere/incremental/"
    settings, log = tmp_path / "other.env", tmp_path / "run.log"
    settings.write_text(f"S3_INCREMENTAL_PATH={elsewhere}\n")
    options = ["--config-file", str(settings), "--limit", "12", "--batch-size", "5"]
    options += ["--max-workers", "2", "-s", "chunked", "--debug", "--log-file", str(log)]
    settings.chmod(0o644)
    refused = tidemark("backup", "-t", "partner_info", *options)
    assert refused.returncode == 2
    assert "chmod 600" in refused.stderr
    settings.chmod(0o600)
    done = tidemark("backup", "-t", "partner_info", *options, "--format", "json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert 12 <= result["rows"] < 20
    assert result["files"] == -(-result["rows"] // 5)
    assert "--limit was reached" in done.stderr
    keys = lake.keys("elsewhere/incremental/")
    assert len(keys) == result["files"]
    assert lake.keys("incremental/") == set()
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert "debug" in {record["level"] for record in records}
    shown = done.stderr.splitlines()
    assert [line for line in shown if "target-s3-parquet" in line]
    assert len(shown) < len(records) / 3, "Meltano's own lines are in the file alone"
    told = json.loads(done.stdout)
    assert (told["rows"], told["bytes"]) == (result["rows"], result["bytes"])
    assert told["seconds"] > 0
    mark = lake.bookmarks(Leg.BACKUP)["settlement-partner_info"]["replication_key_value"]
    ((there,),) = seeded.mysql("SELECT count(*) FROM partner_info WHERE update_at <= %s", [mark])
    assert there == result["rows"]


def test_a_backup_of_one_table_is_the_nightly_job_for_it(
    lake: Lake, seeded: Sandbox, meltano: None, tmp_path: Path
) -> None:
    log = tmp_path / "run.log"
    done = tidemark("backup", "-t", "partner_info", "--log-file", str(log), "--format", "json")
    assert done.returncode == 0, done.stderr + log.read_text()
    ((rows,),) = seeded.mysql("SELECT count(*) FROM partner_info")
    (result,) = json.loads(done.stdout)["results"]
    assert (result["table"], result["rows"], result["files"], result["error"]) == (
        "settlement.partner_info",
        rows,
        1,
        None,
    )
    assert list(lake.bookmarks(Leg.BACKUP)) == ["settlement-partner_info"]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert os.environ["DB_PASSWORD"] not in log.read_text()


def results(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, object]]:
    """What a command says of each table, in JSON."""
    return {result["table"]: result for result in json.loads(done.stdout)["results"]}


@pytest.mark.fault(137)
def test_ok_is_said_only_of_tables_that_were_loaded(
    lake: Lake, meltano: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = lake.table, TableName("settlement", f"a{lake.table.table}")
    file = lake.file()
    lake.commit(file)
    lake.commit(file, table=bad)  # which names a file of another table
    words = ["sync", "--redshift-only", "-t", str(bad), "-t", str(good), "--format", "json"]
    with monkeypatch.context() as wrong:
        wrong.setenv("LOAD_FORMAT", "parquet")
        wrong.setenv("LOAD_METHOD", "upsert")
        early = tidemark(*words)
    assert early.returncode == 2
    told = results(early)
    # Whether the tap had looked at the lake when the target found its setting wrong is a race.
    assert (told[str(good)]["error"], told[str(good)]["done"]) == (None, False)
    assert not told[str(bad)]["done"]
    assert "LOAD_FORMAT" in early.stderr
    assert "LOAD_FORMAT" in json.loads(early.stdout)["errors"][0]
    done = tidemark(*words)
    assert done.returncode == 1
    told = results(done)
    assert str(bad) in str(told[str(bad)]["error"])
    assert not told[str(bad)]["done"]
    assert (told[str(good)]["rows"], told[str(good)]["done"]) == (3, True)
    assert json.loads(done.stdout)["errors"] == []
    with monkeypatch.context() as wrong:
        wrong.setenv("REDSHIFT_PASSWORD", "wrong")
        unknown = tidemark("sync", "--redshift-only", "-t", str(good), "--format", "json")
    assert unknown.returncode == 1
    assert not results(unknown)[str(good)]["done"], "there is nothing to load, and nobody looked"
    assert "cannot say what is loaded" in json.loads(unknown.stdout)["errors"][0]
