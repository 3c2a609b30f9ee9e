"""Follows MySQL: rounds one after the other, each as soon as there is something to do."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from types import FrameType
from typing import Protocol

from tidemark_core.errors import LeaseError, TidemarkError
from tidemark_core.logs import Event, log_event

from tidemark.config.project import Project
from tidemark.job.leftovers import system_folder
from tidemark.runner.held_lease import FOLLOWER, holding
from tidemark.runner.leases import hold_job, is_held
from tidemark.services.bookmarks.store import States
from tidemark.services.follow.alerting import Alerts
from tidemark.services.follow.lag import Lags, Spread
from tidemark.services.follow.last_tests import LastTests
from tidemark.services.follow.period import FOLLOW, Period, period
from tidemark.services.follow.ready.runner import Ready
from tidemark.services.follow.round import Marks, Round, Rounds
from tidemark.services.follow.watch import LogWatch
from tidemark.services.follow.work import Part, Step, Work
from tidemark.services.sync.meltano_run import new_run_id, variables
from tidemark.services.sync.plan import Plan

logger = logging.getLogger("tidemark.follow")
#: Seconds for which the lease is left free after a round if a job waits for it (longer than that
#: job's polling interval), and until another job's lease is asked for again.
_PAUSE = 3.0
#: Seconds after which tables in which nothing changes are read anyway: their bookmarks
#: advance, what others have put into the lake is loaded, and all are tested.
_QUIET = 3_600.0
_TICK = 0.2


class Teller(Protocol):
    """Receives reports of what a follower does."""

    def line(self, line: str) -> None:
        """A line that a leg has written."""

    def begin(self, leg: str) -> None:
        """A leg begins."""

    def round(self, done: Round, work: Work) -> None:
        """A round has ended."""

    def waits(self, why: str) -> None:
        """Something keeps the next round from beginning, or people from hearing of one."""


class Stop:
    """Whether this process was told to end, and by which signal."""

    def __init__(self) -> None:
        self.signal: int | None = None
        # An event's lock cannot be taken twice: a signal while the main thread begins to wait for
        # the event would keep both waiting for ever. This queue's `put` is reentrant.
        self._heard: SimpleQueue[int] = SimpleQueue()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes SIGTERM and SIGINT as a request to end; a running child is handed them."""
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            for number in before:
                signal.signal(number, self._hear)
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, signum: int, _frame: FrameType | None) -> None:
        self.signal = signum
        self._heard.put(signum)

    def is_set(self) -> bool:
        return self.signal is not None

    def wait(self, seconds: float) -> None:
        """Waits for the request to end, at most this long."""
        if not self.is_set():
            with suppress(Empty):
                self._heard.get(timeout=seconds)


@dataclass
class Follower:
    """Runs rounds until it is terminated.

    Attributes:
        project: Where we are.
        plan: The tables, the rules, and what the operator asks for.
        every: Seconds between the beginnings of two rounds, at least.
        teller: Is told what happens.
        rounds: How many at most; 0: any number.
    """

    project: Project
    plan: Plan
    every: float
    teller: Teller
    rounds: int = 0
    lags: Lags = field(default_factory=Lags)

    def __post_init__(self) -> None:
        self._stop = Stop()
        self._work = Work(self.every)
        self._marks = Marks(States(self.project), self.lags)
        self._watch = LogWatch(self.project.mysql, self.lags)
        self._alerts = Alerts(self.project)
        self._ready = Ready()
        self._quiet_until = self._next = 0.0
        folder = system_folder(self.project.root, self.project.environ)
        self._last_tests = LastTests(folder / FOLLOW / "tests-passed", self.plan.tables)
        self._is_to_test = False
        self._count = 0

    @property
    def spread(self) -> Spread | None:
        """How long changes took."""
        return self.lags.spread()

    def run(self) -> int:
        """Runs the rounds.

        Returns:
            Exit code: 0 after ``rounds`` rounds, else that of the signal that ended it.

        Raises:
            LeaseError: Another follower is at work, or the lease was lost.
            TidemarkError: S3 cannot be reached, or the state is damaged.
            OSError: The log cannot be written.
        """
        seconds = self.project.lease_seconds
        key, owner = self.project.layout.follow_lease_key(), FOLLOWER
        with (
            holding(self.project.location, key, owner, seconds),
            self._stop.listening(),
            ExitStack() as stack,
        ):
            stack.callback(self._watch.end)
            stack.callback(self._ready.end)
            self._ready.begin(self.project.root, variables(self.project, new_run_id(), {}))
            self._marks.refresh(self.plan.tables)
            self._watch.watch(self._marks.keys)
            return self._go()

    def _go(self) -> int:
        while not self._is_over():
            with period(self.project) as hour:
                while not self._is_over() and not hour.is_over:
                    if monotonic() < self._next or not self._is_due():
                        self._stop.wait(_TICK)
                        continue
                    self._turn(hour)
        return 0 if self._stop.signal is None else 128 + self._stop.signal

    def _is_over(self) -> bool:
        return self._stop.is_set() or bool(self.rounds and self._count >= self.rounds)

    def _is_due(self) -> bool:
        """Whether there is something to do, as far as is known."""
        now, tables = monotonic(), self.plan.tables
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET
            self._is_to_test = self._is_to_test or self._last_tests.are_due
            for step in Step:
                self._work.add(step, tables)
        changed = tables if self._watch.blind is not None else self.lags.unread()
        self._work.add(Step.BACKUP, set(tables).intersection(changed))
        return self._work.is_due(now)

    def _turn(self, hour: Period) -> None:
        """Runs one round, and sets when the next one may begin."""
        begun = monotonic()
        done = self._round(hour)
        self._next = monotonic() + _PAUSE
        if done is None:
            return
        self._count += 1
        self._next = max(self._share(), begun + self.every)
        self._watch.watch(self._marks.keys)
        self._tell(done, hour)

    def _share(self) -> float:
        """When the next round may begin, so that a job that waits gets the lease."""
        if not self._is_awaited():
            return monotonic()
        self._work.retry()
        return monotonic() + _PAUSE

    def _is_awaited(self) -> bool:
        try:
            return is_held(self.project, self.project.layout.waiting_lease_key())
        except TidemarkError:  # the round says what is wrong with S3
            return False

    def _round(self, hour: Period) -> Round | None:
        """Runs one round under the lease; None if another process holds it."""
        run_id = new_run_id()
        rounds = Rounds(
            hour.project, self.plan, self._work, self._marks, self.lags,
            partial(self._line, hour),
            self.teller.begin, partial(self._leg_ended, hour, run_id), self._stop.is_set,
            self._ready.run, self._is_to_test,
        )  # fmt: skip
        with ExitStack() as held:
            try:
                held.enter_context(
                    hold_job(self.project, f"{FOLLOWER}, run {run_id}", follows=True)
                )
            except LeaseError as error:
                self._work.retry()
                self.teller.waits(error.message)
                return None
            except TidemarkError as error:
                return rounds.refused(run_id, error)
            done = rounds.run(run_id)
        self._note_tests(done)
        return done

    def _note_tests(self, done: Round) -> None:
        """Notes that the tests have run; if they failed, a restarted follower runs them again."""
        built = next((leg for leg in done.legs if leg.name == Step.BUILD), None)
        if built is None:
            return
        if self._is_to_test and built.code == 0:
            with suppress(OSError):  # then they are run again at the next start
                self._last_tests.passed()
        self._is_to_test = False

    def _line(self, hour: Period, line: str) -> None:
        hour.write(line)
        self.teller.line(line)

    def _leg_ended(self, hour: Period, run_id: str, leg: Step, tried: set[Part]) -> None:
        """Tells of failures at once: who mends one need not wait for the end of the round."""
        failed = self._work.told(tried)
        if failed:
            log_event(
                logger, Event.LEG_FAILED, level=logging.ERROR, round=run_id, leg=leg, failed=failed
            )
        for problem in self._alerts.tell(tried, self._work, run_id, str(hour.log.path)):
            self.teller.waits(problem)

    def _tell(self, done: Round, hour: Period) -> None:
        self.teller.round(done, self._work)
        log_event(
            logger,
            Event.ROUND_COMPLETED,
            level=logging.ERROR if self._work.failures else logging.INFO,
            round=done.run_id,
            tables=done.tables,
            seconds=round(done.seconds, 3),
            legs={leg.name: round(leg.seconds, 3) for leg in done.legs},
            lag_seconds={str(table): round(lag, 1) for table, lag in done.lags.items()},
            failed=self._work.told(),
        )
        hour.report(done, self.plan.tables, self.lags, self._work)
