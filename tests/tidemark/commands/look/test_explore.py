"""explore, inspect, report, dashboard, restore, athena-ddl, iam-policy and cloudwatch."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tidemark.services.aws.cloudwatch import metrics
from tidemark.services.aws.iam_policy import Role, render
from tidemark.services.lake.activity import bar
from tidemark.services.restore.mysql_target import Target, mysql_type
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.runs.report import LegReport
from tidemark_core.runs.run_report import ReportedLeg, ReportedTable, RunReport
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_core.types.column_type import ColumnType

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

FIRST = datetime(2025, 8, 3, 4, 5, 6, tzinfo=UTC)
SECOND = FIRST + timedelta(days=1)


def rows(*values: tuple[int, int]) -> pa.Table:
    """Rows of an id and the minute of its change."""
    at = [datetime(2025, 8, 3, 4, minute) for _, minute in values]
    ids = [number for number, _ in values]
    return pa.table(
        {"ID": pa.array(ids, pa.int64()), "update_at": pa.array(at, pa.timestamp("us"))}
    )


@pytest.fixture
def history(lake: Lake) -> Lake:
    """Two commits: rows 1 to 3, then a newer 2, an older 3 that came late, and 4."""
    lake.commit(lake.file(FIRST, content=rows((1, 1), (2, 2), (3, 9))), moment=FIRST)
    lake.commit(lake.file(SECOND, content=rows((2, 5), (3, 4), (4, 6))), moment=SECOND)
    return lake


def test_explore_tells_tables_and_days(history: Lake) -> None:
    told = history.run("explore", "--format", "json").json
    (table,) = told["tables"]
    assert (table["table"], table["files"], table["rows"]) == (str(history.table), 2, 6)
    assert [(day["day"], day["rows"]) for day in told["days"]] == [
        ("2025-08-03", 3),
        ("2025-08-04", 3),
    ]
    assert "2025-08-04" in history.run("explore").out
    assert bar(0, 10) == ""
    assert len(bar(10, 10)) == 30


def test_inspect_reads_statistics_and_a_sample(history: Lake) -> None:
    told = history.run("inspect", "-t", str(history.table), "--rows", "2", "--format", "json").json
    columns = {column["column"]: column for column in told["columns"]}
    assert (columns["ID"]["minimum"], columns["ID"]["maximum"]) == ("1", "4")
    assert columns["ID"]["nulls"] == 0
    assert columns["ID"]["distinct"] == 3
    assert [row["ID"] for row in told["sample"]] == [2, 3]
    assert told["rows"] == 6
    assert history.run("inspect", "-t", "settlement.nothing").code == 2


def test_inspect_finds_repeated_keys_and_empty_columns(lake: Lake) -> None:
    content = rows((1, 1), (1, 1)).set_column(
        1, "update_at", pa.array([None, None], pa.timestamp("us"))
    )
    lake.commit(lake.file(content=content))
    found = lake.run("inspect", "-t", str(lake.table), "--format", "json").json["findings"]
    assert "update_at is NULL in every row" in found
    assert "1 rows of the sample have a duplicate key" in found


def test_dashboard_shows_all_of_it_once(history: Lake) -> None:
    done = history.run("dashboard", "--once")
    assert done.code == 0
    assert str(history.table) in done.out
    assert "Recent Activity" in done.out


def test_the_report_is_one_page_that_a_browser_opens(
    history: Lake, chromium: str, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    assert history.run("report", "--html", str(page)).code == 0
    text = page.read_text()
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text
    shown = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", page.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert str(history.table) in shown.stdout
    assert "2025-08-04 04:05:06" in shown.stdout
    assert "CONSOLE" not in shown.stderr


def test_restore_gives_the_newest_version_of_each_key(history: Lake, tmp_path: Path) -> None:
    file = tmp_path / "restored.parquet"
    done = history.run("restore", "-t", str(history.table), "--to-file", str(file))
    assert done.code == 0, done.err
    found = pq.read_table(file).sort_by("ID")
    assert found["ID"].to_pylist() == [1, 2, 3, 4]
    assert [at and at.minute for at in found["update_at"].to_pylist()] == [1, 5, 9, 6]
    other = str(tmp_path / "other.parquet")
    words = ("restore", "-t", str(history.table), "--to-file", other, "--format", "json")
    told = history.run(*words).json
    assert told == {
        "table": str(history.table), "rows": 4, "versions": 6, "files": 2, "target": other,
    }  # fmt: skip
    again = history.run("restore", "-t", str(history.table), "--to-file", str(file))
    assert again.code == 2
    before = tmp_path / "before.csv"
    history.run(
        "restore", "-t", str(history.table), "--to-file", str(before), "--as-of", "2025-08-03"
        " 23:00:00",
    )  # fmt: skip
    assert len(before.read_text().splitlines()) == 4


@pytest.fixture
def recovery(history: Lake) -> Iterator[str]:
    """The URL of an empty database whose owner's password has to be escaped."""
    sandbox, name = history.sandbox, history.table.table
    for sql in (
        f"CREATE DATABASE {name}",
        f"CREATE USER {name[:20]} IDENTIFIED BY 'a/b@c'",
        f"GRANT ALL ON {name}.* TO {name[:20]}",
    ):
        sandbox.mysql(sql)
    yield f"mysql://{name[:20]}:a%2Fb%40c@HOST/{name}"
    sandbox.mysql(f"DROP DATABASE {name}")
    sandbox.mysql(f"DROP USER {name[:20]}")


def restored(history: Lake) -> list[tuple[int, int]]:
    name = history.table.table
    return history.sandbox.mysql(f"SELECT ID, minute(update_at) FROM {name}.{name} ORDER BY ID")


def test_restore_fills_an_empty_mysql_table_and_no_other(history: Lake, recovery: str) -> None:
    mysql = history.project.mysql
    with open_endpoint(mysql.bastion, mysql.db_host, mysql.db_port, local_port=0) as endpoint:
        url = recovery.replace("HOST", f"127.0.0.1:{endpoint.port}")
        done = history.run("restore", "-t", str(history.table), "--to", url)
        assert done.code == 0, done.err
        again = history.run("restore", "-t", str(history.table), "--to", url)
    assert again.code == 2
    assert "not empty" in again.err
    assert restored(history) == [(1, 1), (2, 5), (3, 9), (4, 6)]


def test_restore_reaches_a_mysql_behind_the_bastion(
    history: Lake, recovery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox's MySQL listens on a socket that the bastion alone can open."""
    socket = history.project.mysql.db_host
    url = f"{recovery.replace('HOST', '')}?unix_socket={socket}"
    monkeypatch.setenv("RESTORE_URL", url)  # out of the list of processes
    done = history.run("restore", "-t", str(history.table), "--via-bastion")
    assert done.code == 0, done.err
    assert restored(history) == [(1, 1), (2, 5), (3, 9), (4, 6)]
    monkeypatch.delenv("SSH_BASTION_HOST")
    refused = history.run("restore", "-t", str(history.table), "--via-bastion")
    assert refused.code == 2
    assert "SSH_BASTION_HOST" in refused.err


def test_a_mysql_that_cannot_be_reached_is_told_of_with_the_way_to_it(history: Lake) -> None:
    url = "mysql://somebody:hush-hush-hush@127.0.0.1:1/db"
    done = history.run("restore", "-t", str(history.table), "--to", url)
    assert done.code == 1
    assert "--via-bastion" in done.err
    assert "hush-hush" not in done.out + done.err
    assert "hush" not in repr(Target.parse(url))


@pytest.mark.parametrize("url", ["mysql://h", "http://h/db", "mysql://h/a/b", "mysql://h:x/db", ""])
def test_what_is_no_mysql_is_refused(history: Lake, url: str) -> None:
    done = history.run("restore", "-t", str(history.table), "--to", url)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_restore_says_what_retention_has_removed(
    history: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tidemark.services.lake import catalogue

    monkeypatch.setattr(catalogue, "bucket_time", lambda _: datetime.now(UTC) + timedelta(days=9))
    key = next(iter(sorted(history.keys("incremental/"))))
    arguments = ["clean-all", "--include-unloaded", "--force", "--pattern", key.rpartition("/")[2]]
    assert history.run("s3clean", *arguments).code == 0
    command = ["restore", "-t", str(history.table), "--to-file", str(tmp_path / "x.csv")]
    refused = history.run(*command)
    assert refused.code == 1
    assert "--accept-incomplete" in refused.err
    assert history.run(*command, "--accept-incomplete").code == 0


def test_athena_reads_the_declared_types(history: Lake) -> None:
    told = history.run("athena-ddl", "-t", str(history.table)).out
    assert "`update_at` timestamp" in told
    assert history.project.layout.data_prefix(history.table) in told


@pytest.mark.parametrize("role", list(Role))
def test_policies_name_this_bucket_and_these_folders(lake: Lake, role: str) -> None:
    text = lake.run("iam-policy", "--role", role).out
    assert json.loads(text)["Version"] == "2012-10-17"
    assert "BUCKET" not in text
    root = lake.project.layout.root
    for line in text.splitlines():
        if "arn:aws:s3:::" in line and "/" in line:
            assert f"arn:aws:s3:::{lake.project.bucket}/{root}" in line


def test_a_policy_leaves_everything_else_alone() -> None:
    template = '{"a": ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/runs/*", "s3:GetObject"]}'
    placed = json.loads(render(template, "b", LakeLayout("t/incremental/"), "w/"))
    assert placed == {"a": ["arn:aws:s3:::b", "arn:aws:s3:::b/t/runs/*", "s3:GetObject"]}


REPORT = RunReport.merge(
    [
        ReportedLeg(
            "r", leg, "2025-08-03T04:05:06Z", seconds=seconds, success=True,
            tables=(ReportedTable("s.t", 7),),
        )
        for leg, seconds in (("extract", 3.0), ("lake", 4.0), ("job", 5.0))
    ]
)  # fmt: skip


def test_metrics_count_each_row_once_and_take_the_jobs_time() -> None:
    found = {(m["MetricName"], len(m["Dimensions"])): m["Value"] for m in metrics(REPORT, "prod")}
    assert found == {
        ("RowsProcessed", 2): 7,
        ("RowsProcessed", 1): 7,
        ("BackupSuccess", 1): 1,
        ("BackupDuration", 1): 5.0,
    }


def test_metrics_are_sent_over_the_wire(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[bytes] = []

    class Cloudwatch(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    now = datetime.now(UTC)
    leg = LegReport("extract", "r")
    leg.table("s.t").add(rows=7)
    leg.finish()
    key = lake.project.layout.run_key(now.date(), "r", "extract")
    lake.project.s3.put_object(
        Bucket=lake.project.bucket, Key=key, Body=json.dumps(leg.to_dict()).encode()
    )
    with HTTPServer(("127.0.0.1", 0), Cloudwatch) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(
            "AWS_ENDPOINT_URL_CLOUDWATCH", f"http://127.0.0.1:{server.server_address[1]}"
        )
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        monkeypatch.setenv("CLOUDWATCH_NAMESPACE", "Night")
        done = lake.run("cloudwatch")
        server.shutdown()
    assert done.code == 0, done.err
    sent = str(bodies[0]) + str(parse_qs(bodies[0].decode(errors="replace")))
    assert "Night" in sent
    assert "BackupSuccess" in sent


def test_every_restored_type_holds_its_values() -> None:
    assert mysql_type(ColumnType("decimal", precision=38, scale=9), key=False) == "DECIMAL(38,9)"
    assert mysql_type(ColumnType("timestamp", precision=3), key=False) == "DATETIME(3)"
    assert mysql_type(ColumnType("string", length=255), key=True) == "VARCHAR(191)"
    assert mysql_type(ColumnType("string"), key=False) == "LONGTEXT"
    assert mysql_type(ColumnType("string", length=255), key=False) == "VARCHAR(255)"
