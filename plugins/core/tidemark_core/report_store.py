"""Stores run reports: on disk first, then in the lake. A failed write never fails a run."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tidemark_core.errors import LakeError, TidemarkError
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.run_context import report_id
from tidemark_core.runs.report import VERSION, LegReport, open_reports, report_folder
from tidemark_core.runs.run_report import ReportedLeg, RunReport
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.errors import explained
from tidemark_core.s3.objects import list_keys, read_document

logger = logging.getLogger("tidemark_core.reportstore")
#: On disk reports lie as in a lake of their own.
_DISK = LakeLayout("disk/incremental/")
#: For a run that began before midnight.
_DAYS_BACK = 1


@contextmanager
def reporting(leg: str, location: S3Location | None = None) -> Iterator[LegReport]:
    """Keeps the report of a leg while the block runs, and stores it at the end.

    Args:
        leg: Name of the leg.
        location: The lake; None if this process does not reach it, but another of the run does.
    """
    report = LegReport(leg, report_id())
    save(report)
    open_reports.append(report)
    try:
        yield report
    except BaseException as error:
        # The exit codes of a command that succeeded.
        ended_well = isinstance(error, SystemExit) and error.code in (None, 0)
        report.finish(None if ended_well else error)
        raise
    else:
        report.finish()
    finally:
        open_reports.remove(report)
        save(report)
        if location is not None:
            publish(location, report.run_id)


def save(report: LegReport, environ: Mapping[str, str] = os.environ) -> None:
    """Writes a report to disk, whole or not at all."""
    folder = report_folder(environ)
    if folder is None:
        return
    path = _path(folder, report.started.date(), report.run_id, report.leg)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps(report.to_dict(), indent=1, ensure_ascii=False))
        unfinished.replace(path)
    except OSError as error:
        logger.warning("the run report cannot be written to %s: %s", path, error)


def publish(location: S3Location, run: str, environ: Mapping[str, str] = os.environ) -> None:
    """Puts all documents of a run on disk into the lake, replacing older ones."""
    folder = report_folder(environ)
    if folder is None:
        return
    today = datetime.now(UTC).date()
    client, layout = location.client(), location.layout
    for day in (today - timedelta(days=back) for back in range(_DAYS_BACK + 1)):
        parent = folder / _DISK.runs_prefix(day).removeprefix(_DISK.root)
        for path in sorted(parent.glob(f"{run}_*.json")):
            try:
                leg = path.stem.removeprefix(f"{run}_")
                key = layout.run_key(day, run, leg)
                with explained(f"writing s3://{location.bucket}/{key}"):
                    client.put_object(
                        Bucket=location.bucket,
                        Key=key,
                        Body=path.read_bytes(),
                        ContentType="application/json",
                    )
            except (TidemarkError, OSError) as error:
                logger.warning("the run report %s is not in the lake: %s", path, error)
                return


def read_reports(location: S3Location, first: date, last: date) -> list[RunReport]:
    """The reports of runs that began in a range of UTC days, oldest first.

    A document that cannot be read is left out with a warning: it is for people.

    Raises:
        LakeError: The lake cannot be read.
    """
    client, layout = location.client(), location.layout
    legs: list[ReportedLeg] = []
    # A leg of a run that began on the last day may have begun after midnight.
    for number in range((last - first).days + 1 + _DAYS_BACK):
        day = first + timedelta(days=number)
        for entry in list_keys(client, location.bucket, layout.runs_prefix(day)):
            key = entry["Key"]
            try:
                named = layout.parse_run_key(key)
                with explained(f"reading s3://{location.bucket}/{key}"):
                    answer = client.get_object(Bucket=location.bucket, Key=key)
                    body = read_document(answer, key)
                document = json.loads(body)
                if (document["version"], document["run_id"], document["leg"]) != (
                    VERSION,
                    named.run_id,
                    named.leg,
                ):
                    raise LakeError(f"{key} is the report of another run")
                legs.append(ReportedLeg.read(document))
            except (LakeError, ValueError, KeyError, TypeError, RecursionError) as error:
                logger.warning("skipped a run report: %s", error)
    found = RunReport.merge(legs)
    return [r for r in found if first.isoformat() <= r.started_at[:10] <= last.isoformat()]


def _path(folder: Path, day: date, run: str, leg: str) -> Path:
    return folder / _DISK.run_key(day, run, leg).removeprefix(_DISK.root)
