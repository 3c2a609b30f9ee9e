"""A run over the tables that are read from the server's log, which is read once for all of them."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tap_mysql.binlog.errors import refused
from tap_mysql.binlog.log import Log
from tap_mysql.extraction import telemetry
from tap_mysql.extraction.log.follow import Follower, changed
from tap_mysql.extraction.log.member import LogJob, Member, Members
from tap_mysql.extraction.run import Outcome
from tap_mysql.source.error_codes import TableChangedError

logger = logging.getLogger("tap-mysql.log")
#: Times that a table is looked at again because an ALTER or a failover came in between.
_REDISCOVERIES = 3


@dataclass
class LogRun:
    """Reads the tables.

    Attributes:
        log: The server's.
        workers: Tables read at the same time.
        attempts: Maximum attempts to read the log without progress.
        stop: Set when the run is to be stopped.
    """

    log: Log
    workers: int
    attempts: int
    stop: threading.Event

    def __post_init__(self) -> None:
        self._members = Members(self.workers, self.stop)
        self._follower = Follower(self.log, self._members, self.attempts, self.stop)

    def run(self, jobs: Sequence[LogJob]) -> list[Outcome]:
        """Reads what has changed in each table.

        Raises:
            Stopped: ``stop`` was set.
        """
        if not jobs:
            return []
        members = [Member(job, copy.deepcopy(job.bookmark()), time.monotonic()) for job in jobs]
        for member in members:
            telemetry.table_started(member.table)
        self._members.guard(members, lambda: self._refuse_without_log(members))
        todo = members
        while todo:
            self._members.each(todo, self._first_load)
            read = [member for member in todo if member.is_read]
            self._members.guard(read, partial(self._follower.follow, read))
            # Those whose rows an ALTER in the log gave values.
            todo = [member for member in read if member.has_rows_left]
        return [self._ended(member) for member in members]

    def _refuse_without_log(self, members: Sequence[Member]) -> None:
        for problem in self.log.problems():
            if problem.fatal:
                for member in members:
                    member.fail(refused(problem, member.table))
            else:
                logger.warning(
                    "the server's log: %s is %s, but should be %s: %s",
                    problem.setting, problem.found, problem.wanted, problem.statement,
                )  # fmt: skip
        unlogged = self.log.unlogged(m.table for m in members if m.error is None)
        for member in members:
            if member.table in unlogged:
                member.fail(refused(unlogged[member.table], member.table))
        for table, parents in self.log.cascades(member.table for member in members).items():
            logger.warning(
                "%s: rows that a change of %s deletes or changes (foreign key with CASCADE or SET "
                "NULL) are not in the server's log; in cron, tidemark reconcile -t %s --yes",
                table, ", ".join(map(str, parents)), table, extra={"table": str(table)},
            )  # fmt: skip

    def _first_load(self, member: Member) -> None:
        for attempt in range(_REDISCOVERIES + 1):
            if attempt or member.extraction is None:
                member.extraction = member.job.prepare_log(again=attempt > 0)
                telemetry.table_validated(member.table)
            try:
                member.bookmark = member.extraction.begin(
                    member.job.bookmark(), self.log, partial(self._follower.catch_up, member)
                )
            except TableChangedError as error:
                if attempt == _REDISCOVERIES:
                    raise changed(error, member.table) from error
                logger.warning("%s: starting over: %s", member.table, error)
            else:
                member.keys.update(dict.fromkeys(member.bookmark.again))
                return

    def _ended(self, member: Member) -> Outcome:
        extraction = member.extraction
        if extraction is not None:
            extraction.reading.meter.end()
        rows = extraction.rows if extraction else 0
        done = Outcome(member.table, rows, time.monotonic() - member.began, member.error)
        telemetry.table_ended(done, member.before, member.job.bookmark())
        if member.error is None:
            details = {
                "table": str(done.table),
                "rows": done.rows,
                "seconds": round(done.seconds, 3),
            }
            logger.info("%s: %d rows from the log", done.table, done.rows, extra=details)
        return done
