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
from tidemark.services.bookmarks import Leg
from tidemark_core.lease import Lease
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from conftest import Lake


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


def test_options_that_leave_nothing_to_do_are_refused(lake: Lake) -> None:
    assert lake.run("sync", "--backup-only", "--redshift-only").code == 2


def test_a_backup_of_one_table_is_the_nightly_job_for_it(
    lake: Lake, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MELTANO_SYS_DIR_ROOT", str(tmp_path / "sys"))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    log = tmp_path / "run.log"
    command = [str(Path(sys.executable).parent / "tidemark"), "backup", "-t", "partner_info"]
    done = subprocess.run(
        [*command, "--log-file", str(log), "--format", "json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
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
