"""One unattended run: the lease, the log, Meltano, the report, and the alert if it failed."""

from __future__ import annotations

import json
import os
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tidemark_core.errors import TidemarkError
from tidemark_core.names import encode_component
from tidemark_core.report_store import publish, reporting
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3Settings
from tidemark_core.text.masking import SECRETS, secrets_of
from tidemark_core.text.printable import printable, printable_lines
from tidemark_core.typed_settings import read

from tidemark.config.job_settings import JobSettings
from tidemark.config.settings import LeaseSettings
from tidemark.job.alert import Marker, MemoryFile, RunFacts, decide, now, send
from tidemark.job.leftovers import remove_stale_configs, system_folder
from tidemark.job.logfile import RunLog, open_log
from tidemark.runner.failure_cause import Cause, CauseFinder
from tidemark.runner.held_lease import holding_job
from tidemark.runner.meltano import run, run_command


@dataclass(frozen=True)
class Job:
    """What is to be run, and where.

    Attributes:
        name: Job of orchestrate/jobs.meltano.yml; names the logs and the alerts.
        arguments: More words for ``meltano run``.
        root: The project's folder.
        env_file: The file of settings, when it is not the project's own.
        run_id: The run.
        environ: The run's variables.
        settings: Who is alerted, and where the log lies.
    """

    name: str
    arguments: Sequence[str]
    root: Path
    env_file: Path | None
    run_id: str
    environ: Mapping[str, str]
    settings: JobSettings

    @property
    def system_folder(self) -> Path:
        return system_folder(self.root, self.environ)


def run_job(job: Job) -> int:
    """Runs a job to its end and tells people if it failed.

    Returns:
        Exit code: 0, or that of the error that made it fail.
    """
    SECRETS.add(secrets_of(job.environ))
    folder = job.root / job.settings.log_dir / encode_component(job.name)
    try:
        log = open_log(folder, job.run_id, job.settings.log_retention_days)
    except OSError as error:
        cause = Cause(f"nothing was run: cannot write the log: {error}", part="run-job")
        print(f"error: {job.name} failed: {cause.message}", file=sys.stderr)
        for problem in tell(job, cause, None):
            print(f"warning: {printable(problem)}", file=sys.stderr)
        return 1
    with log:
        found, code = _guarded(job, log)
        if found is None and log.problem:
            found, code = (
                Cause(f"everything was done, but not logged: {log.problem}", part="run-job"),
                1,
            )
        _tell(job, found, str(log.path), log)
    if found is not None:
        told = printable_lines(found.message, indent="    ")
        print(f"error: {job.name} failed: {told}\n  Log: {log.path}", file=sys.stderr)
    return code


def _tell(job: Job, cause: Cause | None, path: str | None, log: RunLog) -> None:
    for problem in tell(job, cause, path):
        _note(log, "warning", problem)
        print(f"warning: {printable(problem)}", file=sys.stderr)


def tell(job: Job, cause: Cause | None, log: str | None) -> list[str]:
    """Alerts people to a failure, or that it is over; returns what went wrong in doing so."""
    memory = MemoryFile(job.system_folder / "alerts" / f"{encode_component(job.name)}.json")
    environment = job.environ.get("MELTANO_ENVIRONMENT")
    facts = RunFacts(job.run_id, socket.gethostname(), environment, log)
    alert, remembered = decide(
        cause,
        memory.load(),
        job=job.name,
        run=facts,
        now=now(),
        repeat_seconds=job.settings.alert_repeat_hours * 3600,
    )
    if alert is None:
        return []
    problems = send(alert, job.settings.alert_command, job.settings.alert_webhook_url)
    if problems and alert.kind == "failed":
        return problems  # not remembered: the next run tries again
    try:
        memory.save(remembered)
    except OSError as error:
        problems.append(f"cannot save the alert state, so this alert may be repeated: {error}")
    return problems


def _guarded(job: Job, log: RunLog) -> tuple[Cause | None, int]:
    """Runs Meltano under the lease; returns the cause of the failure, and the exit code."""
    try:
        location = S3Location.of(read(S3Settings, {}, job.environ))
        seconds = read(LeaseSettings, {}, job.environ).s3_lease_seconds
        with ExitStack() as stack:
            # The lease comes first: a run that does not get it has no report.
            stack.enter_context(
                holding_job(
                    location,
                    f"run-job {job.name}, run {job.run_id}",
                    seconds,
                    tell=partial(_note, log, "info"),
                )
            )
            report = stack.enter_context(reporting("job", location))
            _mark(job, log, stack, location)
            if removed := remove_stale_configs(job.system_folder):
                _note(log, "warning", f"removed {removed} configurations left by killed runs")
            cause, code = _run_meltano(job, log)
            if cause is not None:
                report.fail(cause.message)
            return cause, code
    except TidemarkError as error:
        _note(log, "error", str(error), error_type=type(error).__name__)
        return Cause.of_error(error), error.exit_code
    except Exception as error:  # noqa: BLE001 - whatever it is, people are told
        _note(log, "error", traceback.format_exc(), error_type=type(error).__name__)
        return Cause(f"{type(error).__name__}: {error}", part="run-job"), 1


def _mark(job: Job, log: RunLog, stack: ExitStack, location: S3Location) -> None:
    """Reports an earlier run that was killed, as nothing else would, and marks this one."""
    marker = Marker(job.system_folder / "alerts" / f"{encode_component(job.name)}.running")
    if before := marker.left_by():
        cause = Cause(
            f"the run {before} ended without a report: it was killed, or the machine went down; "
            "this run continues where it stopped",
            part="run-job",
        )
        _note(log, "error", cause.message)
        publish(location, before)  # the part of its report that it had written
        _tell(job, cause, None, log)
    try:
        marker.put(job.run_id)
    except OSError as error:
        _note(log, "warning", f"if this run is killed, there will be no alert: {error}")
    stack.callback(marker.remove)


def _run_meltano(job: Job, log: RunLog) -> tuple[Cause | None, int]:
    finder = CauseFinder()
    show = sys.stdout.isatty()

    def read(line: str) -> None:
        masked = SECRETS(line)
        log.write(masked)
        finder.read(masked)
        if show:
            sys.stdout.write(masked)

    command = run_command((job.name, *job.arguments), job.env_file)
    code = run(command, job.root, job.environ, read)
    if code == 0:
        return None, 0
    cause = finder.cause(code)
    if code < 0:
        return cause, 128 - code
    return cause, code if code > 128 else cause.exit_code


def _note(log: RunLog, level: str, text: str, **fields: object) -> None:
    record = {"logger": "tidemark.job", "level": level, "event": text, **fields}
    log.write(SECRETS(json.dumps(record | {"run_id": os.environ.get("TIDEMARK_RUN_ID")})) + "\n")
