"""The checks of `status`: each part asked for real, each answer with what to do about it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tap_mysql.source.settings import TempSettings
from tap_mysql.values.bookmark_facts import is_manual
from tidemark_core.redshift.connection import connect
from tidemark_core.report_store import read_reports
from tidemark_core.runs.run_report import RunReport
from tidemark_core.s3.errors import explained
from tidemark_core.s3.objects import list_keys

from tidemark.config.project import Project
from tidemark.config.settings import MonitorSettings
from tidemark.runner.leases import held_leases
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.health.checks import Check, Finding, Level
from tidemark.services.health.log_health import check_log
from tidemark.services.lake.catalogue import bucket_time
from tidemark.services.watermark.view import Watermark, read_watermarks
from tidemark.source.mysql import open_mysql
from tidemark.source.queries import source_time
from tidemark.terminal.format import counted, describe_age

_LITTLE_DISK, _NO_DISK = 5 * 1024**3, 512 * 1024**2
_DAYS_OF_RUNS = 7


def checks(project: Project) -> dict[str, Check]:
    """Every check of `status`, by the part that it is about."""
    return {
        "MySQL": lambda: check_mysql(project),
        "S3": lambda: check_s3(project),
        "warehouse": lambda: check_warehouse(project),
        "state": lambda: check_state(project),
        "MySQL's log": lambda: check_log(project),
        "lease": lambda: check_leases(project),
        "disk": lambda: [check_disk(_free_bytes(project))],
        "last runs": lambda: [check_runs(_reports(project))],
        "freshness": lambda: check_freshness(project),
    }


def check_mysql(project: Project) -> Iterator[Finding]:
    """Logs in to MySQL, through the bastion if one is set."""
    with open_mysql(project.mysql) as mysql:
        version = mysql.row("SELECT version()")[0]
        skew = abs(datetime.now(UTC) - source_time(mysql))
    way = "through the bastion" if project.mysql.ssh_bastion_host else "directly"
    yield Finding("MySQL", Level.OK, f"{version}, {way}, clock within {describe_age(skew)}")


def check_s3(project: Project) -> Iterator[Finding]:
    """Lists the lake's folder."""
    with explained(f"listing s3://{project.bucket}/{project.layout.incremental}"):
        answer = project.s3.list_objects_v2(
            Bucket=project.bucket, Prefix=project.layout.incremental, MaxKeys=1
        )
    files = "has files" if answer.get("KeyCount") else "has no files yet"
    yield Finding("S3", Level.OK, f"s3://{project.bucket}/{project.layout.incremental} {files}")


def check_warehouse(project: Project) -> Iterator[Finding]:
    """Logs in to the warehouse, through its bastion if one is set."""
    with connect(project.warehouse) as warehouse:
        ((user, database),) = warehouse.execute("SELECT current_user, current_database()")
    yield Finding("warehouse", Level.OK, f"{user} in {database}")


def check_state(project: Project) -> Iterator[Finding]:
    """Reads the states of both legs."""
    states = States(project)
    for leg in Leg:
        marks = states.bookmarks(leg)
        manual = sorted(stream for stream, mark in marks.items() if is_manual(mark))
        known = f"{leg}: bookmarks of {counted(len(marks), 'table')}"
        text = known if marks else f"{leg}: no run yet"
        text += f"; set by hand: {', '.join(manual)}" if manual else ""
        yield Finding("state", Level.OK, text)


def check_leases(project: Project) -> Iterator[Finding]:
    """Says who is at work."""
    held = held_leases(project)
    for lease in held:
        yield Finding("lease", Level.OK, f"{lease.lease}: {lease.holder} since {lease.since}")
    if not held:
        yield Finding("lease", Level.OK, "no leases held")


def check_disk(free: int) -> Finding:
    """Judges the space for temporary files."""
    text = f"{free / 1024**3:,.1f} GB free for temporary files"
    hint = "free some space, or set BACKUP_TEMP_DIR to another file system"
    if free < _NO_DISK:
        return Finding("disk", Level.ERROR, text, hint)
    return Finding("disk", Level.WARN if free < _LITTLE_DISK else Level.OK, text, hint)


def check_runs(reports: list[RunReport]) -> Finding:
    """Judges the newest run."""
    if not reports:
        hint = "meltano run sync, and schedule it with cron"
        return Finding("last runs", Level.WARN, f"no run within {_DAYS_OF_RUNS} days", hint)
    newest, failed = reports[-1], sum(not report.success for report in reports)
    text = (
        f"{counted(len(reports), 'run')} within {_DAYS_OF_RUNS} days, {failed} failed; the newest"
    )
    if newest.success:
        return Finding("last runs", Level.OK, f"{text} began {newest.started_at} and succeeded")
    why = "; ".join(newest.errors) or "it was killed, or is still running"
    hint = "check its log, correct the cause, then run meltano run sync"
    return Finding(
        "last runs", Level.ERROR, f"{text} began {newest.started_at} and failed: {why}", hint
    )


def check_freshness(project: Project) -> Iterator[Finding]:
    """Judges when the last backup ended, and what waits for the load."""
    hours = project.read(MonitorSettings).status_max_age_hours
    now = bucket_time(project)
    yield judge_age(_last_state(project), now, hours)
    marks, problems = read_watermarks(project)
    for problem in problems:
        what, _, hint = problem.partition("\n  Next: ")
        yield Finding("freshness", Level.WARN, what, hint or "correct it, then tidemark verify")
    yield from judge_waiting(list(marks.values()), now, hours)


def judge_age(last: datetime | None, now: datetime, hours: int) -> Finding:
    """Judges the time since the last backup that wrote its state. Pure.

    Args:
        last: When the state was written.
        now: By the same clock.
        hours: STATUS_MAX_AGE_HOURS.
    """
    if last is None:
        hint = "meltano run backup"
        return Finding("freshness", Level.WARN, "no backup yet", hint)
    age = now - last
    text = f"the last backup ended {describe_age(age)} ago"
    late = age > timedelta(hours=hours)
    hint = f"more than STATUS_MAX_AGE_HOURS={hours}: is the schedule running?"
    return Finding("freshness", Level.WARN if late else Level.OK, text, hint if late else None)


def judge_waiting(marks: list[Watermark], now: datetime, hours: int) -> Iterator[Finding]:
    """Judges files that wait for the load for too long. Pure."""
    for mark in marks:
        # The oldest, because a table that is backed up each night always has a young one too.
        if mark.waiting_since and now - mark.waiting_since > timedelta(hours=hours):
            age = describe_age(now - mark.waiting_since)
            files = counted(mark.files_waiting or 0, "file")
            text = f"{mark.table}: {files} waiting to be loaded, the oldest since {age}"
            hint = (
                f"tidemark sync -t {mark.table} --redshift-only; if that does not help: tidemark "
                f"watermark reset -t {mark.table} --leg load"
            )
            yield Finding("freshness", Level.WARN, text, hint)


def _last_state(project: Project) -> datetime | None:
    states = States(project)
    if states.get(Leg.BACKUP) is None:
        return None
    prefix = states.prefix(Leg.BACKUP)
    return max(
        (
            entry["LastModified"]
            for entry in list_keys(project.s3, project.bucket, prefix)
            if entry["Key"] == f"{prefix}state.json"
        ),
        default=None,
    )


def _reports(project: Project) -> list[RunReport]:
    today: date = bucket_time(project).date()
    return read_reports(project.location, today - timedelta(days=_DAYS_OF_RUNS), today)


def _free_bytes(project: Project) -> int:
    folder = Path(project.read(TempSettings).backup_temp_dir or tempfile.gettempdir()).absolute()
    # The first backup creates the folder: until then, it is the file system of its parent.
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return shutil.disk_usage(there).free
