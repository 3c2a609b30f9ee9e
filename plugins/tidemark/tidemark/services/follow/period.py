"""The log and the report of a follower: new ones every hour, because it runs without end.

The run report of an hour has one document per leg, on the last round in which that leg had
something to do, and one of `follow` itself, on the lag.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic

from tidemark_core.logs import MaskedJsonFormatter
from tidemark_core.names import TableName
from tidemark_core.report_store import publish, save
from tidemark_core.run_context import REPORT_ID
from tidemark_core.runs.report import LegReport

from tidemark.config.job_settings import JobSettings
from tidemark.config.project import Project
from tidemark.job.logfile import RunLog, open_log
from tidemark.services.follow.lag import Lags
from tidemark.services.follow.round import Round
from tidemark.services.follow.work import Work
from tidemark.services.sync.meltano_run import new_run_id, variables

logger = logging.getLogger("tidemark.follow")
#: The leg of its report.
FOLLOW = "follow"
_SECONDS = 3_600.0


@dataclass(frozen=True)
class Period:
    """An hour of a follower.

    Attributes:
        id: Of the hour, in the report and in the log's name.
        project: The follower's, whose legs report under this id.
        log: Takes the lines that they write.
        end: When it is over, by the monotonic clock.
    """

    id: str
    project: Project
    log: RunLog
    end: float

    @property
    def is_over(self) -> bool:
        """Whether the next round belongs to another hour."""
        return monotonic() >= self.end

    def write(self, line: str) -> None:
        """Writes a line into the log."""
        self.log.write(line.rstrip("\n") + "\n")

    def report(self, done: Round, tables: Iterable[TableName], lags: Lags, work: Work) -> None:
        """Stores the results of a round. A failure to store them is not an error."""
        now, leg = monotonic(), LegReport(FOLLOW, self.id)
        for table in tables:
            report = leg.table(table)
            times = (done.lags.get(table), lags.oldest(table, now))
            report.lag_seconds = max((time for time in times if time is not None), default=None)
            report.error = work.error(table)
        if (error := work.error(None)) is not None:
            leg.fail(error)
        leg.finish()
        environ = variables(self.project, self.id, {})
        save(leg, environ)
        publish(self.project.location, self.id, environ)


@contextmanager
def period(project: Project) -> Iterator[Period]:
    """Begins an hour; its log is closed at the end.

    Raises:
        OSError: The log cannot be written.
    """
    name, settings = new_run_id(), project.read(JobSettings)
    folder = project.root / settings.log_dir / FOLLOW
    own = replace(project, environ={**project.environ, REPORT_ID: name})
    with open_log(folder, name, settings.log_retention_days) as log, _written(log):
        yield Period(name, own, log, monotonic() + _SECONDS)


@contextmanager
def _written(log: RunLog) -> Iterator[None]:
    """Writes what the follower itself says into a log too, as JSON lines."""
    handler = _Lines(log)
    handler.setFormatter(MaskedJsonFormatter())
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, log: RunLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.write(self.format(record) + "\n")
