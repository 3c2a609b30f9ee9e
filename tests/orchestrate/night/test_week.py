"""A week in the life: changes, outages and a kill, and no run that needs a hand.

The short week has one run a day; the long one (``make soak``) has one an hour.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from processes.proctree import descendants
from tidemark_core.report_store import read_reports
from tidemark_core.runs.run_report import RunReport
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from projects.nights import Night

Day = Callable[["Night", Sandbox], int]


def quiet(night: Night, world: Sandbox) -> int:
    return night.job("sync").returncode


def new_column(night: Night, world: Sandbox) -> int:
    world.mysql("ALTER TABLE partner_info ADD COLUMN vat_number VARCHAR(32) NULL")
    world.mysql("UPDATE partner_info SET vat_number = 'CA-1', update_at = UTC_TIMESTAMP() LIMIT 3")
    return night.job("sync").returncode


def bastion_away(night: Night, world: Sandbox) -> int:
    world.bastion.stop()
    try:
        return night.job("sync").returncode
    finally:
        world.up()


def warehouse_away(night: Night, world: Sandbox) -> int:
    world.kill("postgres")
    try:
        return night.job("sync").returncode
    finally:
        world.up()


def killed(night: Night, world: Sandbox) -> int:
    """kill -9 of everything that a run is, in the middle of it."""
    process = night.start([night.run_job, "--env-file", str(night.env_file), "sync"])
    log = night.folder / "logs" / "sync" / "latest.log"
    before = log.resolve()
    deadline = time.monotonic() + 120
    while log.resolve() == before or "Processing backup window" not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for pid in [*descendants(process.pid), process.pid]:
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    return process.returncode


def retention(night: Night, world: Sandbox) -> int:
    """What is old goes out of landing, and nothing that people see goes with it."""
    done = night.job("maintain")
    assert done.returncode == 0, done.stdout
    old = "SELECT load_id FROM landing.tidemark_loads WHERE loaded_at < DATEADD(day, -2, GETDATE())"
    for table in BUSY:
        left = f"SELECT count(*) FROM landing.{table} WHERE _tidemark_load_id IN ({old})"
        assert world.warehouse(left) == [(0,)]
    assert world.warehouse(old), "the ledger remembers them"
    return done.returncode


def pass_days(world: Sandbox, days: int) -> None:
    """What the warehouse has loaded so far is older by some days."""
    world.warehouse(
        f"UPDATE landing.tidemark_loads SET loaded_at = DATEADD(day, -{days}, loaded_at)",
        user="tidemark_loader",
    )


#: What happens on each day, and what an alert must say of it.
WEEK: list[tuple[Day, str | None]] = [
    (bastion_away, "bastion"),
    (killed, "killed"),
    (quiet, None),
    (retention, None),
    (warehouse_away, "warehouse"),
    (new_column, None),
]
ALERTS = [
    ("failed", "bastion"),
    ("failed", "killed"),  # told by the run after it
    ("recovered", "killed"),
    ("failed", "warehouse"),
    ("recovered", "warehouse"),
]
#: Of an hour's changes there is one table, in turn; of a day's all.
BUSY = ("settlement_normal_delivery_detail", "settlement_claim_detail", "partner_info")


@pytest.fixture(scope="module")
def world(synced: tuple[Sandbox, Night]) -> Sandbox:
    return synced[0]


@pytest.fixture
def week(synced: tuple[Sandbox, Night]) -> Night:
    """The night after its first sync, with landing keeping two days, and no alert yet."""
    night = synced[1]
    night.settings["LANDING_RETENTION_DAYS"] = "2"
    (night.folder / "alerts").unlink(missing_ok=True)
    return night


def test_a_week_needs_no_hand(week: Night, world: Sandbox) -> None:
    for number, (day, word) in enumerate(WEEK):
        if day is retention:
            pass_days(world, 3)
        elif day is quiet:
            world.change(30, seed=100 + number)  # of all tables, with a late commit
        else:
            touch(world, "partner_info")
        assert (day(week, world) == 0) == (word is None), week.log("sync")[-5:]
    assert [(alert["kind"], word_of(alert)) for alert in week.alerts] == ALERTS
    assert_all_agree(week, world)
    assert_reports_tell_it(week, world, failed=2)


@pytest.mark.soak
def test_a_week_of_hours_needs_no_hand(week: Night, world: Sandbox) -> None:
    days = [*WEEK, (quiet, None)]
    assert len(days) == 7
    for number, (day, word) in enumerate(days):
        for hour in range(23):
            if hour % 6 == 0:
                touch(world, BUSY[hour // 6 % len(BUSY)])
            assert week.job("sync").returncode == 0, week.log("sync")[-5:]
            print(f"day {number + 1}, hour {hour}: {time.monotonic():.0f} s", flush=True)
        world.change(30, seed=100 + number)
        assert (day(week, world) == 0) == (word is None), week.log("sync")[-5:]
        print(f"day {number + 1} ends: {day.__name__}", flush=True)
        pass_days(world, 1)
    told = [(alert["kind"], word_of(alert)) for alert in week.alerts]
    assert told == [ALERTS[0], ("recovered", "bastion"), *ALERTS[1:]]
    assert_all_agree(week, world)
    assert_reports_tell_it(week, world, failed=2)


def touch(world: Sandbox, table: str) -> None:
    """An hour's changes."""
    world.mysql(f"UPDATE {table} SET update_at = UTC_TIMESTAMP() ORDER BY ID DESC LIMIT 5")


def word_of(alert: dict[str, Any]) -> str | None:
    """What the alert is about."""
    return next((word for _, word in WEEK if word and word in alert["text"]), None)


def assert_all_agree(night: Night, world: Sandbox) -> None:
    """MySQL, lake, landing and public; nothing staged, nothing left over."""
    verified = night.tidemark("verify", "--format", "json")
    assert verified.returncode == 0, verified.stdout
    assert not night.objects("staging/")
    for table in BUSY:
        newest = f"SELECT ID, update_at FROM {table}"
        source = sorted(world.mysql(newest))
        public = sorted(world.warehouse(newest.replace("FROM ", "FROM public.").lower()))
        assert [tuple(map(str, row)) for row in source] == [tuple(map(str, row)) for row in public]


def assert_reports_tell_it(night: Night, world: Sandbox, failed: int) -> None:
    location = S3Location.of(read(S3Settings, {}, night.settings))
    today = datetime.now(UTC).date()
    runs = read_reports(location, today - timedelta(days=1), today)
    jobs = {run.run_id: run for run in runs if any(leg.leg == "job" for leg in run.legs)}
    bad = [run for run in jobs.values() if not run.success]
    assert len(bad) >= failed + 1, "the outages, and the run that was killed"
    assert any(run.errors == [] for run in bad), "the one that was killed could not say why"
    last = max(jobs.values(), key=lambda run: run.started_at)
    assert last.success
    assert {"job", "extract", "lake", "warehouse", "build"} <= {leg.leg for leg in last.legs}
    lake = Counter[tuple[str, str]]()
    for manifest in night.manifests():
        rows = sum(file["rows"] for file in manifest["files"])
        lake[manifest["run_id"], manifest["table"]] += rows
    told = rows_told(runs, "lake")
    assert told
    assert {key: rows for key, rows in lake.items() if key in told} == told
    # A run loads what runs before it have left: here the tables are told of, and not the runs.
    root = night.settings["S3_INCREMENTAL_PATH"].removesuffix("incremental/")
    ledger = world.warehouse(
        "SELECT source_table, sum(row_count) FROM landing.tidemark_loads WHERE file LIKE %s "
        "GROUP BY source_table",
        [f"{root}%"],
    )
    landing = Counter[str]()
    for (_, table), rows in rows_told(runs, "warehouse").items():
        landing[table] += rows
    assert {table: int(rows) for table, rows in ledger} == landing


def rows_told(runs: list[RunReport], name: str) -> dict[tuple[str, str], int]:
    """By run and table, the rows that the reports of a leg tell of, if it came to its end."""
    return {
        (run.run_id, table.table): table.rows
        for run in runs
        for leg in run.legs
        if leg.leg == name and leg.ended_at
        for table in leg.tables
        if table.rows and not table.error
    }
