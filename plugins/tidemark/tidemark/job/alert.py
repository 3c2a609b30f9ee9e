"""Alerts: one for a failure, none for the same failure again, one when it is over.

The last alert is remembered beside Meltano's own files, so that a bastion that is down for a night
causes one alert and not one per hour; after ALERT_REPEAT_HOURS it is sent again.
"""

from __future__ import annotations

import json
import logging
import shlex
import subprocess
import threading
import time
import urllib.request
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from tidemark.runner.failure_cause import Cause

logger = logging.getLogger(__name__)
_SECONDS = 20


@dataclass(frozen=True)
class Memory:
    """The last alert of a job; there is none while all is well.

    Attributes:
        fingerprint: Of the cause.
        since: When the failure began, seconds since 1970.
        told: When it was last reported, seconds since 1970.
        message: The message of that alert.
    """

    fingerprint: str
    since: float
    told: float
    message: str


@dataclass(frozen=True)
class RunFacts:
    """The run that an alert is about.

    Attributes:
        run_id: Its id.
        host: The machine.
        environment: Meltano's; None: the project's default.
        log: Path of the log; None: there is none.
    """

    run_id: str
    host: str
    environment: str | None
    log: str | None


@dataclass(frozen=True)
class Alert:
    """What people are told.

    Attributes:
        kind: ``failed`` or ``recovered``.
        text: One text for people.
        facts: The same for programs.
    """

    kind: str
    text: str
    facts: dict[str, object]


def decide(
    cause: Cause | None, memory: Memory | None, *, job: str, run: RunFacts, now: float,
    repeat_seconds: float,
) -> tuple[Alert | None, Memory | None]:  # fmt: skip
    """Decides whether an alert is sent, and what is remembered. Pure.

    Args:
        cause: Why the run failed; None: it did not.
        memory: The last alert.
        job: Name of the job.
        run: Which run.
        now: Seconds since 1970.
        repeat_seconds: After which the same failure is reported again.
    """
    where = f"{job} ({run.environment or 'default environment'}, {run.host})"
    facts = {"job": job, **asdict(run)}
    if cause is None:
        if memory is None:
            return None, None
        lasted = _duration(now - memory.since)
        text = f"Tidemark: {where} works again, after {lasted}.\nIt was: {memory.message}"
        return Alert("recovered", text, {"kind": "recovered", **facts}), None
    same = memory is not None and memory.fingerprint == cause.fingerprint
    if same and memory is not None and now - memory.told < repeat_seconds:
        return None, memory
    since = memory.since if same and memory is not None else now
    still = f" (for {_duration(now - since)} now)" if same else ""
    text = f"Tidemark: {where} failed{still}.\n{cause.message}"
    text += f"\nLog: {run.log}" if run.log else ""
    told = {"kind": "failed", **facts, "cause": cause.to_dict()}
    return Alert("failed", text, told), Memory(cause.fingerprint, since, now, cause.message)


def send(alert: Alert, command: str | None, webhook: str | None) -> list[str]:
    """Sends an alert, in every way that is set.

    Returns:
        What went wrong, one line per way; an alert that cannot be sent does not fail the run.
    """
    body = json.dumps({"text": alert.text, **alert.facts}, default=str)
    problems = []
    if command:
        try:
            subprocess.run(
                shlex.split(command),
                input=body,
                text=True,
                timeout=_SECONDS,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            problems.append(f"ALERT_COMMAND failed: {error}")
    if webhook:
        posting = _Posting(webhook, body)
        posting.start()
        posting.join(_SECONDS)
        if posting.problem:
            problems.append(f"ALERT_WEBHOOK_URL failed: {posting.problem}")
    return problems


class _Posting(threading.Thread):
    """Posts to a webhook in a thread, as its answer may be anything and may never end.

    Attributes:
        problem: What is wrong so far; None if the alert was accepted.
    """

    def __init__(self, url: str, body: str) -> None:
        super().__init__(name="webhook", daemon=True)
        self.problem: str | None = f"no answer within {_SECONDS} s"
        self._url, self._body = url, body

    def run(self) -> None:
        try:
            if not self._url.startswith(("https://", "http://")):
                raise ValueError("not an http(s) URL")
            request = urllib.request.Request(  # noqa: S310  # looked at just above
                self._url, self._body.encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
                pass
            self.problem = None
        except HTTPError as error:
            # Its text is the server's, as is that of HTTPException, unless that is the URL.
            self.problem = f"HTTP status {error.code}"
        except (OSError, ValueError) as error:
            # The URL itself is a secret.
            self.problem = str(error)
        except HTTPException as error:
            self.problem = type(error).__name__


class MemoryFile:
    """Remembers the last alert on disk; a file that cannot be read counts as none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Memory | None:
        try:
            return Memory(**json.loads(self._path.read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, RecursionError) as error:
            logger.warning("cannot read the saved alert state: %s", error)
            return None

    def save(self, memory: Memory | None) -> None:
        if memory is None:
            self._path.unlink(missing_ok=True)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".part")
        unfinished.write_text(json.dumps(vars(memory)))
        unfinished.replace(self._path)


class Marker:
    """A file that exists while a run works; the next run finds the one that a killed run left."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def left_by(self) -> str | None:
        """The run that left it; None if every earlier run ended by itself."""
        try:
            return self._path.read_text()
        except FileNotFoundError:
            return None

    def put(self, run_id: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(run_id)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def now() -> float:
    """Seconds since 1970."""
    return time.time()


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"
