"""The run report: what legs say, how it is put together, where it lies."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tidemark_core.errors import LakeError
from tidemark_core.report_store import publish, read_reports, reporting
from tidemark_core.runs.report import LegReport, TableReport, report_folder
from tidemark_core.runs.run_report import ReportedLeg, RunReport
from tidemark_core.s3.client import S3Location
from tidemark_sandbox.world import Sandbox

DAY = timedelta(days=1)
TABLE = "settlement.partner_info"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIDEMARK_REPORT_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> str:
    run_id = str(uuid.uuid4())
    monkeypatch.setenv("TIDEMARK_RUN_ID", run_id)
    return run_id


@pytest.fixture
def lake(sandbox: Sandbox) -> S3Location:
    env = sandbox.env()
    return S3Location(
        bucket=env["S3_BUCKET_NAME"],
        region=env["S3_REGION"],
        endpoint_url=env["S3_ENDPOINT_URL"],
        access_key=env["S3_ACCESS_KEY"],
        secret_key=env["S3_SECRET_KEY"],
        incremental=f"report-{uuid.uuid4()}/incremental/",
    )


def today() -> date:
    return datetime.now(UTC).date()


def stored(lake: S3Location) -> list[RunReport]:
    """The reports in the lake; a run may have begun before midnight."""
    return read_reports(lake, today() - DAY, today())


def on_disk(folder: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("*.json"))]


def test_what_was_tried_again_is_counted_by_table_and_leg() -> None:
    leg = LegReport("lake", "r")
    leg.tried_again(TABLE)
    leg.tried_again()
    assert leg.table(TABLE).retries == 1
    assert leg.to_dict()["retries"] == 2
    older = {key: value for key, value in leg.to_dict().items() if key != "retries"}
    assert RunReport("r", tuple(map(ReportedLeg.read, (leg.to_dict(), older)))).retries == 2


def test_threads_of_a_leg_count_together() -> None:
    table = LegReport("extract", "r").table(TABLE)

    def work() -> None:
        for _ in range(500):
            table.add(rows=2, bytes=3, files=1, retries=1)
            table.convert({"c": {"zero date": 1}})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (table.rows, table.bytes, table.files, table.retries) == (4000, 6000, 2000, 2000)
    assert table.conversions == {"c": {"zero date": 2000}}


def test_a_step_is_timed_also_when_it_fails() -> None:
    table = TableReport(TABLE)
    with pytest.raises(ValueError, match="x"), table.step("copy"):
        raise ValueError("x")
    with table.step("copy"):
        pass
    assert list(table.steps) == ["copy"]
    assert table.steps["copy"] > 0


def test_a_document_is_on_disk_while_the_leg_works_and_whole_at_its_end(
    folder: Path, run: str
) -> None:
    with reporting("extract") as report:
        (begun,) = on_disk(folder)
        assert (begun["run_id"], begun["ended_at"], begun["success"]) == (run, None, None)
        report.table(TABLE).add(rows=7)
    (ended,) = on_disk(folder)
    assert ended["success"] is True
    assert ended["ended_at"] is not None
    assert [table["rows"] for table in ended["tables"]] == [7]  # type: ignore[attr-defined]
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize(
    ("error", "success"),
    [(LakeError("S3 refused"), False), (SystemExit(143), False), (SystemExit(0), True)],
)
def test_a_leg_that_an_error_ends_says_so(
    folder: Path, run: str, error: BaseException, success: bool
) -> None:
    with pytest.raises(type(error)), reporting("lake"):
        raise error
    (document,) = on_disk(folder)
    assert document["success"] is success
    assert (document["error"] is None) is success


@pytest.mark.fault(105)
def test_a_table_that_failed_makes_the_run_fail(folder: Path, run: str) -> None:
    with reporting("warehouse") as report:
        report.table(TABLE).error = "3 rows were rejected"
        report.table("settlement.billing_summary").add(rows=1)
    (merged,) = RunReport.merge(map(ReportedLeg.read, on_disk(folder)))
    assert not merged.success
    assert merged.errors == ["3 rows were rejected"]


def test_a_leg_that_was_killed_makes_the_run_fail(folder: Path, run: str) -> None:
    script = (
        "import os, signal\n"
        "from tidemark_core.report_store import reporting\n"
        "with reporting('lake'): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=os.environ.copy(), check=False)
    assert done.returncode == -9
    with reporting("extract"):
        pass
    (merged,) = RunReport.merge(map(ReportedLeg.read, on_disk(folder)))
    assert len(merged.legs) == 2
    assert not merged.success


def test_one_process_that_reaches_the_lake_publishes_the_whole_run(
    folder: Path, run: str, lake: S3Location
) -> None:
    with reporting("extract") as report:
        report.table(TABLE).add(rows=5)
    with reporting("lake", lake) as report:
        report.table(TABLE).add(rows=5, files=1)
    (found,) = stored(lake)
    assert found.run_id == run
    assert [leg.leg for leg in found.legs] == ["extract", "lake"]
    assert found.success
    assert read_reports(lake, today() - 9 * DAY, today() - 2 * DAY) == []


def test_other_runs_are_left_alone(
    folder: Path, run: str, lake: S3Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reporting("extract"):
        pass
    monkeypatch.setenv("TIDEMARK_RUN_ID", str(uuid.uuid4()))
    with reporting("lake", lake):
        pass
    (found,) = stored(lake)
    assert [leg.leg for leg in found.legs] == ["lake"]


def test_a_damaged_document_is_left_out_with_a_warning(
    folder: Path, run: str, lake: S3Location, caplog: pytest.LogCaptureFixture
) -> None:
    with reporting("lake", lake):
        pass
    key = lake.layout.run_key(today(), run, "extract")
    lake.client().put_object(Bucket=lake.bucket, Key=key, Body=b"{")
    with caplog.at_level(logging.WARNING):
        (found,) = stored(lake)
    assert [leg.leg for leg in found.legs] == ["lake"]
    assert "skipped a run report" in caplog.text


def test_a_report_that_cannot_be_stored_fails_nothing(
    tmp_path: Path, run: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TIDEMARK_REPORT_DIR", str(tmp_path / "file"))
    with reporting("extract"):
        pass
    assert "cannot be written" in caplog.text
    monkeypatch.setenv("TIDEMARK_REPORT_DIR", str(tmp_path / "other"))
    with reporting("extract"):
        pass
    gone = S3Location(
        "b", "r", "i/", endpoint_url="http://127.0.0.1:9", access_key="k", secret_key="s"
    )
    publish(gone, run)
    assert "is not in the lake" in caplog.text


def test_where_it_lies() -> None:
    assert report_folder({}) is None
    project = {"MELTANO_PROJECT_ROOT": "/p"}
    assert report_folder(project) == Path("/p/.meltano/reports")
    assert report_folder({**project, "MELTANO_SYS_DIR_ROOT": "/s"}) == Path("/s/reports")
    assert report_folder({**project, "TIDEMARK_REPORT_DIR": "/r"}) == Path("/r")
