"""The run report: what each leg of a run did, table by table.

The legs of a run are processes that share nothing but the run's id, so each writes a document of
its own: first to disk, whole or not at all, where a process that reaches S3 finds those of its run
and puts them into the lake. `run_report` puts the documents of a run together. A leg that
was killed has one without an end; nothing else depends on it.
"""

from __future__ import annotations

import copy
import getpass
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tidemark_core.run_context import run_id
from tidemark_core.text.moments import to_second
from tidemark_core.types.conversions import Conversions

VERSION = 1


@dataclass
class TableReport:
    """What a leg did for one table.

    Attributes:
        table: ``schema.table``.
        rows: Rows read, written or loaded.
        bytes: Bytes of the files.
        files: Number of files.
        window_start: Lower bound of what was read, as text; None: from the beginning.
        window_end: Upper bound.
        watermark: The bookmark after it; None: unchanged.
        steps: Seconds by step, such as ``read`` or ``copy``.
        conversions: Values changed on the way, by column and reason.
        retries: How often a read, a load or a request to S3 for it was retried.
        error: Why it failed, in one line; None: it did not.
        lag_seconds: The longest time that a change took from its commit in MySQL until it was seen
            in the warehouse, or has been waiting. None: it was not measured.
    """

    table: str
    rows: int = 0
    bytes: int = 0
    files: int = 0
    window_start: str | None = None
    window_end: str | None = None
    watermark: str | None = None
    steps: dict[str, float] = field(default_factory=dict)
    conversions: Conversions = field(default_factory=Conversions)
    retries: int = 0
    error: str | None = None
    lag_seconds: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Adds the time that the block takes to a step."""
        begun = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self.steps[name] = self.steps.get(name, 0.0) + time.monotonic() - begun

    def add(self, *, rows: int = 0, bytes: int = 0, files: int = 0, retries: int = 0) -> None:
        """Counts more of it."""
        with self._lock:
            self.rows += rows
            self.bytes += bytes
            self.files += files
            self.retries += retries

    def convert(self, conversions: Mapping[str, Mapping[str, int]]) -> None:
        """Counts more values that were changed."""
        with self._lock:
            self.conversions.merge(conversions)

    def to_dict(self) -> dict[str, object]:
        with self._lock:
            document = {name: value for name, value in vars(self).items() if name != "_lock"}
            steps = {name: round(seconds, 3) for name, seconds in self.steps.items()}
            return copy.deepcopy(document | {"steps": steps})


class LegReport:
    """What one leg of a run did; written by the process that is the leg.

    Attributes:
        leg: ``extract``, ``lake``, ``read``, ``warehouse``, ``build``, or another lower-case word.
        run_id: The run.
        started: UTC time of its beginning.
    """

    def __init__(self, leg: str, run_id: str) -> None:
        self.leg = leg
        self.run_id = run_id
        self.started = datetime.now(UTC)
        self._begun = time.monotonic()
        self._seconds: float | None = None
        self._error: str | None = None
        self._retries = 0
        self._tables: dict[str, TableReport] = {}
        self._lock = threading.Lock()

    def table(self, name: object) -> TableReport:
        """The report of a table; made when it is first asked for."""
        with self._lock:
            return self._tables.setdefault(str(name), TableReport(str(name)))

    @property
    def seconds(self) -> float:
        """How long it took, or has been taking."""
        return time.monotonic() - self._begun if self._seconds is None else self._seconds

    @property
    def tables(self) -> list[TableReport]:
        with self._lock:
            return sorted(self._tables.values(), key=lambda table: table.table)

    @property
    def success(self) -> bool:
        """Whether nothing failed so far."""
        return self._error is None and all(table.error is None for table in self.tables)

    def finish(self, error: BaseException | None = None) -> None:
        """Marks the leg as ended.

        Args:
            error: What ended it; None if it was completed.
        """
        self._seconds = self.seconds
        if error is not None:
            self.fail(str(error) or type(error).__name__)

    def fail(self, error: str) -> None:
        """Marks the leg as failed; it continues to its end."""
        self._error = error

    def tried_again(self, table: object | None = None) -> None:
        """Counts a retry.

        Args:
            table: The table that it was for; None: the leg's own, such as a request for its lease.
        """
        if table is not None:
            self.table(table).add(retries=1)
            return
        with self._lock:
            self._retries += 1

    @property
    def retries(self) -> int:
        """How often something was tried again, for its tables and for itself."""
        return self._retries + sum(table.retries for table in self.tables)

    def to_dict(self) -> dict[str, object]:
        ended = self._seconds is not None
        return {
            "version": VERSION,
            "run_id": self.run_id,
            "leg": self.leg,
            "host": socket.gethostname(),
            "user": current_user(),
            "started_at": to_second(self.started),
            "ended_at": to_second(datetime.now(UTC)) if ended else None,
            "seconds": round(self.seconds, 3),
            "success": self.success if ended else None,
            "error": self._error,
            "retries": self.retries,
            "tables": [table.to_dict() for table in self.tables],
        }


#: The reports that this process keeps, the innermost last.
open_reports: list[LegReport] = []


def current() -> LegReport:
    """The report of the leg that this process is; one that is not kept, if it is not a leg."""
    return open_reports[-1] if open_reports else LegReport("none", run_id())


def current_user() -> str:
    """The operating system's user; its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def report_folder(environ: Mapping[str, str]) -> Path | None:
    """Where reports lie on disk: TIDEMARK_REPORT_DIR, else beside Meltano's own files.

    None when the process knows no project.
    """
    if given := environ.get("TIDEMARK_REPORT_DIR"):
        return Path(given)
    if system := environ.get("MELTANO_SYS_DIR_ROOT"):
        return Path(system) / "reports"
    if project := environ.get("MELTANO_PROJECT_ROOT"):
        return Path(project) / ".meltano" / "reports"
    return None
