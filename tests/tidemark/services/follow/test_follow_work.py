"""What a follower does next, and how long changes took: decided without a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from mysql_binlog import Position
from tidemark.services.follow.lag import Lags
from tidemark.services.follow.round import common
from tidemark.services.follow.work import Step, Work, wait
from tidemark.services.health.checks import Level
from tidemark.services.health.log_health import judge_lag, judge_places
from tidemark_core.names import TableName
from tidemark_core.runs.run_report import ReportedLeg, ReportedTable, RunReport

pytestmark = pytest.mark.unit

A, B, C = (TableName("s", name) for name in "abc")
HERE = Position("log.000001", 0, "", "server", "mariadb")


def at(offset: int, server: str = "server") -> Position:
    return replace(HERE, offset=offset, server=server)


# -- what is due


def test_nothing_is_due_where_nothing_is_to_be_done() -> None:
    work = Work(30)
    assert not work.is_due(0)
    work.add(Step.BACKUP, [B, A])
    assert work.due(Step.BACKUP, 0) == (A, B)
    assert work.ended(Step.BACKUP, [A, B], {}, 0) == [A, B]
    assert not work.is_due(0)


@pytest.mark.fault(196)
def test_a_table_that_fails_is_left_alone_for_a_time_that_grows_and_the_others_go_on() -> None:
    work, now, waits = Work(30), 0.0, []
    for _ in range(8):
        work.add(Step.BACKUP, [A, B])
        assert work.due(Step.BACKUP, now) == (A, B)
        assert work.ended(Step.BACKUP, [A, B], {A: "a gap"}, now) == [B]
        until = work.failures[Step.BACKUP, A].until
        work.add(Step.BACKUP, [B])
        assert work.due(Step.BACKUP, until - 0.1) == (B,)
        waits.append(until - now)
        now = until
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]
    assert work.error(A) == "a gap"
    assert work.ended(Step.BACKUP, [A, B], {}, now) == [A, B]
    assert not work.failures


@pytest.mark.fault(196)
def test_a_leg_that_fails_keeps_no_other_leg_from_its_work() -> None:
    work = Work(30)
    for step in Step:
        work.add(step, [A, B])
    done = work.ended(Step.BACKUP, [A, B], {}, 0, cause="MySQL is away", undone=[A, B])
    assert done == []
    assert work.due(Step.BACKUP, 29) == ()
    assert work.due(Step.LOAD, 0) == (A, B)
    assert work.due(Step.BACKUP, 30) == (A, B)
    assert work.error(None) == "MySQL is away"
    assert work.error(A) is None


@pytest.mark.fault(210)
def test_what_another_job_may_have_mended_is_tried_at_once_and_waits_on_if_not() -> None:
    work = Work(30)
    work.add(Step.BACKUP, [A])
    for now in (0, 30):
        work.ended(Step.BACKUP, [A], {A: "a gap"}, now)
    assert work.due(Step.BACKUP, 31) == ()
    work.retry()
    assert work.due(Step.BACKUP, 31) == (A,)
    work.ended(Step.BACKUP, [A], {A: "a gap"}, 31)
    assert work.failures[Step.BACKUP, A].until == 31 + 120


@given(st.integers(1, 10**6), st.floats(1, 10**6))
def test_waits_are_bounded(times: int, every: float) -> None:
    assert 2 <= wait(times, every) <= 600
    assert wait(times, every) <= wait(times + 1, every)


def test_what_all_tables_say_is_the_legs_own_failure() -> None:
    assert common({A: "away", B: "away"}, 2) == "away"
    assert common({A: "away", B: "away"}, 3) is None
    assert common({A: "away", B: "other"}, 2) is None
    assert common({A: "away"}, 1) is None
    assert common({}, 0) is None


# -- how long it took


def test_a_change_counts_from_the_look_before_it_until_it_is_seen() -> None:
    lags = Lags()
    lags.changed([A], at(10), 100.0)
    lags.changed([A, B], at(20), 101.0)
    assert lags.unread() == {A, B}
    lags.read(A, at(10))
    assert lags.seen(A, 105.0) == 5.0
    assert lags.unread() == {A, B}
    lags.read(A, at(20))
    lags.read(B, at(25))
    assert lags.unread() == set()
    assert lags.oldest(A, 106.0) == 5.0, "read, and not seen yet"
    assert lags.seen(A, 111.0) == 10.0
    assert lags.seen(B, 104.0) == 3.0
    assert lags.oldest(A, 200.0) is None
    spread = lags.spread()
    assert spread is not None
    assert (spread.p50, spread.p95, spread.most, spread.count) == (5.0, 10.0, 10.0, 3)


def test_what_nobody_knows_the_time_of_is_not_measured_and_not_passed_by() -> None:
    lags = Lags()
    lags.changed([A], at(10), None)
    assert lags.unread() == {A}
    lags.read(A, at(10))
    assert lags.seen(A, 5.0) is None
    assert lags.spread() is None


def test_a_reading_of_the_server_that_took_over_has_what_was_in_the_log_before() -> None:
    lags = Lags()
    lags.changed([A], at(10_000), 1.0)
    lags.read(A, at(5, "the other"))
    assert lags.unread() == set()
    assert lags.seen(A, 3.0) == 2.0


@pytest.mark.fault(221)
def test_a_reading_of_the_server_before_has_nothing_of_the_one_that_took_over() -> None:
    lags = Lags()
    lags.changed([A], at(10), 1.0)
    lags.read(A, at(10_000))
    lags.changed([A], at(5, "the other"), 2.0)
    assert lags.unread() == {A}
    assert lags.seen(A, 3.0) == 2.0
    assert lags.oldest(A, 4.0) == 2.0
    lags.read(A, at(5, "the other"))
    assert lags.unread() == set()
    lags.changed([A], at(10_001), 5.0)  # and back
    assert lags.unread() == {A}


class Failover(RuleBasedStateMachine):
    """One table, servers that take each other's place, and what is told of them, late or not."""

    def __init__(self) -> None:
        super().__init__()
        self.lags, self.server, self.watched = Lags(), "a", "a"
        self.ends = {"a": 1, "b": 1, "c": 1}
        self.committed = self.looked = self.read = 0
        self.begun: tuple[Position, int] | None = None
        self.lags.changed([A], at(1, "a"), None)  # at its first look the watch tells of all

    @rule()
    def commit(self) -> None:
        self.committed += 1
        self.ends[self.server] += 1

    @precondition(lambda self: self.watched == self.server)
    @rule(server=st.sampled_from("abc"))
    def fail_over(self, server: str) -> None:
        """Not twice between two looks, which come every second."""
        self.server = server
        self.ends[server] += 1

    @rule()
    def look(self) -> None:
        self.lags.answers(at(self.ends[self.server], self.server))
        self.watched = self.server
        if self.committed > self.looked:
            self.lags.changed([A], at(self.ends[self.server], self.server), 0.0)
            self.looked = self.committed

    @precondition(lambda self: self.begun is None)
    @rule()
    def begin_to_read(self) -> None:
        self.begun = at(self.ends[self.server], self.server), self.committed

    @precondition(lambda self: self.begun)
    @rule()
    def end_to_read(self) -> None:
        assert self.begun is not None
        position, self.read = self.begun
        self.lags.read(A, position)
        self.begun = None

    @invariant()
    def what_is_not_read_is_told(self) -> None:
        if self.looked > self.read:
            assert self.lags.unread() == {A}


TestFailover = pytest.mark.fault(221)(Failover.TestCase)


@given(
    st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 4),
)
def test_no_lag_is_told_that_is_too_small_and_none_is_left_out(
    steps: Sequence[tuple[int, bool]], most: int
) -> None:
    """Against a plain list of commits, with few changes remembered one by one."""
    lags, now, offset = Lags(most), 0.0, 0
    commits: list[tuple[int, float]] = []
    for wait_, seen in steps:
        before, now, offset = now, now + wait_, offset + 1
        lags.changed([A], at(offset), before)
        commits.append((offset, before + wait_ / 2))
        if seen:
            lags.read(A, at(offset))
            told = lags.seen(A, now)
            assert told is not None
            assert told >= max(now - when for _, when in commits)
            assert lags.unread() == set()
            commits.clear()
    assert (lags.unread() == {A}) == bool(commits)


# -- what status says of it

NOW = datetime(2026, 1, 8, tzinfo=UTC)
FILES = [f"log.{number:06d}" for number in range(3, 8)]


def place(number: int, begun: int = 0) -> Position:
    """A place in a file that was begun so many hours ago; 0: nobody knows."""
    created = int((NOW - timedelta(hours=begun)).timestamp()) if begun else 0
    return replace(HERE, file=f"log.{number:06d}", offset=9, created=created)


@pytest.mark.fault(198)
@pytest.mark.parametrize(
    ("where", "level", "words"),
    [
        (place(7), Level.OK, "are up to date"),
        (place(7, begun=1_000), Level.OK, "are up to date"),  # nothing is behind it
        (place(5, begun=3), Level.OK, "are up to date"),
        (place(5), Level.OK, "are up to date"),
        (place(5, begun=100), Level.WARN, "started 4 days ago; the log is kept for 7 days"),
        (place(3), Level.WARN, "in the oldest remaining file"),
        (place(3, begun=3), Level.WARN, "in the oldest remaining file"),
        (place(2), Level.ERROR, "which is no longer in the log"),
    ],
)
def test_a_table_that_comes_near_the_end_of_the_log_is_told(
    where: Position, level: Level, words: str
) -> None:
    (found,) = judge_places({A: where}, FILES, timedelta(days=7), NOW)
    assert (found.level, words in found.message) == (level, True), found
    if level is not Level.OK:
        assert "tidemark resync -t s.a" in str(found.hint)
    (without,) = judge_places({A: where}, FILES, None, NOW)
    assert (without.level is Level.ERROR) == (level is Level.ERROR)


@pytest.mark.fault(198)
@pytest.mark.parametrize(
    ("lags", "level"),
    [
        ([5], Level.OK),
        ([500], Level.OK),  # that of one hour is no growth
        ([5, 6, 7, 59], Level.OK),
        ([5, 6, 7, 61], Level.WARN),
        ([300, 310, 290, 400], Level.OK),
        ([300, 310, 290, 700], Level.WARN),
        ([300, None, 290, 700], Level.WARN),
        ([300, 290, 700, None], Level.WARN),
    ],
)
def test_a_lag_that_grows_is_told(lags: list[float | None], level: Level) -> None:
    runs = [
        RunReport(
            str(n),
            (ReportedLeg("r", "follow", "", tables=(ReportedTable("s.a", lag_seconds=lag),)),),
        )
        for n, lag in enumerate(lags)
    ]
    (found,) = judge_lag([RunReport("x", (ReportedLeg("x", "extract", ""),)), *runs])
    assert found.level is level, found
