"""Whether tables read from the server's log keep up with it: the lag, and the log's end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

from mysql_binlog import Position
from tidemark_core.names import TableName
from tidemark_core.report_store import read_reports
from tidemark_core.runs.run_report import RunReport

from tidemark.config.project import Project
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.log_bookmark import log_positions
from tidemark.services.bookmarks.store import States
from tidemark.services.health.checks import Finding, Level
from tidemark.services.lake.catalogue import bucket_time
from tidemark.source.mysql import open_mysql
from tidemark.terminal.format import describe_age

_PART = "MySQL's log"
#: The share of the log's retention after which a table that makes no progress gets a warning.
_SHARE = 0.5
#: A lag gets a warning when it is longer than these seconds, and than so many times the usual one.
_LITTLE_LAG, _GROWN = 60.0, 2.0
#: The leg of a follower's reports.
_FOLLOW = "follow"


def check_log(project: Project) -> Iterator[Finding]:
    """The places of tables in the log, and the lag that followers have measured."""
    marks = log_positions(States(project).bookmarks(Leg.BACKUP))
    if not marks:
        yield Finding(_PART, Level.OK, "no table uses it")
        return
    with open_mysql(project.mysql) as mysql:
        files, retention = mysql.log_files(), mysql.log_retention()
        server = mysql.log_end().server
    ours = {table: place for table, place in marks.items() if place.server == server}
    yield from judge_places(ours, list(files), retention, datetime.now(UTC))
    today = bucket_time(project).date()
    yield from judge_lag(read_reports(project.location, today - timedelta(days=1), today))


def judge_places(
    marks: Mapping[TableName, Position],
    files: Sequence[str],
    retention: timedelta | None,
    now: datetime,
) -> Iterator[Finding]:
    """Judges how close tables are to falling out of what the log keeps. Pure.

    Args:
        marks: The position of each table in the log of this server.
        files: Of the log, the oldest first.
        retention: How long it is kept; None: forever, or unknown.
        now: The current time.
    """
    late = False
    for table, place in sorted(marks.items()):
        hint = f"tidemark sync -t {table}; after the log is gone: tidemark resync -t {table}"
        where = f"{table} is at {place.file}:{place.offset}"
        if place.file not in files:
            late = True
            gone = f"{where}, which is no longer in the log"
            yield Finding(_PART, Level.ERROR, gone, f"tidemark resync -t {table}")
            continue
        behind = place.file != files[-1]
        # The file was started before the position was reached, so its age is the greater one.
        age = now - datetime.fromtimestamp(place.created, UTC) if place.created else None
        if behind and age is not None and retention is not None and age > retention * _SHARE:
            late = True
            kept = f", in a file started {describe_age(age)} ago; the log is kept for "
            yield Finding(_PART, Level.WARN, where + kept + describe_age(retention), hint)
        elif behind and place.file == files[0] and len(files) > 2:
            late = True
            yield Finding(_PART, Level.WARN, f"{where}, in the oldest remaining file", hint)
    if not late and marks:
        yield Finding(_PART, Level.OK, f"{len(marks)} tables use it and are up to date")


def judge_lag(runs: Sequence[RunReport]) -> Iterator[Finding]:
    """Judges the lag of each table that was followed: does it grow? Pure.

    Args:
        runs: Of the last days, the oldest first.
    """
    lags: dict[str, list[float]] = {}
    for leg in (leg for run in runs for leg in run.legs if leg.leg == _FOLLOW):
        for table in leg.tables:
            if table.lag_seconds is not None:
                lags.setdefault(table.table, []).append(float(table.lag_seconds))
    for name, (*before, newest) in sorted(lags.items()):
        usual = median(before) if before else None
        text = f"{name}: a change takes {newest:,.0f} s to become visible"
        limit = max(_LITTLE_LAG, _GROWN * usual) if usual is not None else None
        if limit is not None and newest > limit:
            text += f", compared with {usual:,.0f} s in the previous hours"
            hint = "check the rounds in the follower's log; tidemark status names what fails"
            yield Finding(_PART, Level.WARN, text, hint)
        else:
            yield Finding(_PART, Level.OK, text)
