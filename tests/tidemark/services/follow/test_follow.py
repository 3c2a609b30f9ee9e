"""`follow`: round after round until a signal comes, whatever becomes of a leg; and its lease."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from processes.signals import moments
from tidemark.commands.run.follow import _logged
from tidemark.config.project import Project
from tidemark.config.tables.selection import Options, Rules
from tidemark.runner.held_lease import FOLLOWER
from tidemark.runner.leases import hold_job
from tidemark.runner.meltano import run
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.follow.follower import Follower, Stop
from tidemark.services.follow.lag import Lags
from tidemark.services.follow.round import Marks, Round, Rounds
from tidemark.services.follow.watch import LogWatch
from tidemark.services.follow.work import Step, Work
from tidemark.services.sync.meltano_run import Outcome
from tidemark.services.sync.plan import Plan
from tidemark.services.sync.sync import LegResult
from tidemark_core.errors import ConfigError, LeaseError
from tidemark_core.names import TableName
from tidemark_core.report_store import read_reports
from tidemark_core.s3.lease import Lease
from tidemark_core.text.masking import SECRETS

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


class Quiet:
    """Hears what a follower says."""

    def __init__(self) -> None:
        self.rounds: list[Round] = []
        self.waited: list[str] = []

    def line(self, line: str) -> None: ...

    def begin(self, leg: str) -> None: ...

    def round(self, done: Round, work: Work) -> None:  # noqa: ARG002
        self.rounds.append(done)

    def waits(self, why: str) -> None:
        self.waited.append(why)


Script = Callable[[Step, Plan], LegResult]


def went_well(step: Step, plan: Plan) -> LegResult:
    return LegResult(step, [Outcome(step, str(table)) for table in plan.tables])


@pytest.fixture
def follower(
    lake: Lake, tables: tuple[TableName, TableName], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[Follower, Quiet]]:
    """Makes a follower of the two tables, whose legs do as a script says."""
    command = tmp_path / "alert"
    command.write_text(f"#!/bin/sh\ncat >> {tmp_path}/alerts\necho >> {tmp_path}/alerts\n")
    command.chmod(0o700)
    own = {
        "ALERT_COMMAND": str(command),
        "LOG_DIR": str(tmp_path / "logs"),
        "MELTANO_SYS_DIR_ROOT": str(tmp_path / "sys"),
    }
    project = Project(lake.project.root, {**lake.project.environ, **own})
    # Each round may begin as soon as the last one has ended, and what failed may be retried.
    monkeypatch.setattr("tidemark.services.follow.follower._PAUSE", 0.0)
    monkeypatch.setattr("tidemark.services.follow.work._FIRST", 0.1)

    def make(script: Script, rounds: int, *, blind: bool = True) -> tuple[Follower, Quiet]:
        if blind:  # so that rounds go by the clock
            monkeypatch.setattr(LogWatch, "watch", lambda *_: None)
        monkeypatch.setattr(Rounds, "_leg", lambda _, step, plan: script(step, plan))
        plan = Plan(tables, {}, Rules(), Options(), "run")
        quiet = Quiet()
        return Follower(project, plan, 0.05, quiet, rounds), quiet

    return make


def test_tables_are_tested_in_the_first_round_of_an_hour_and_where_a_build_has_failed(
    follower: Callable[..., tuple[Follower, Quiet]],
    tables: tuple[TableName, TableName],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[bool, bool]] = []

    def build(*_: object, tested: bool, detailed: bool) -> LegResult:
        asked.append((tested, detailed))
        failed = len(asked) == 3
        errors = [Outcome(Step.BUILD, str(t), error="no" if failed else None) for t in tables]
        return LegResult(Step.BUILD, errors, int(failed))

    leg = Rounds._leg
    monkeypatch.setattr("tidemark.services.follow.round.run_build", build)
    one, _ = follower(went_well, rounds=10)  # some of them wait for the failed build
    monkeypatch.setattr(
        Rounds, "_leg",
        lambda self, step, plan: leg(self, step, plan) if step is Step.BUILD
        else went_well(step, plan),
    )  # fmt: skip
    one._work.add(Step.BUILD, tables)
    monkeypatch.setattr(Marks, "refresh", lambda _, tables: [*tables])
    monkeypatch.setattr(Rounds, "_ended", _and_build(Rounds._ended, tables))
    assert one.run() == 0
    assert [tested for tested, _ in asked[:5]] == [True, False, False, True, False]
    assert [detailed for _, detailed in asked[:5]] == [False, False, False, True, False]


def _and_build(ended: Any, tables: tuple[TableName, TableName]) -> Any:
    """Has each load be followed by a build."""

    def wrapped(self: Rounds, step: Step, *given: Any) -> None:
        ended(self, step, *given)
        if step is Step.LOAD:
            self.work.add(Step.BUILD, tables)

    return wrapped


def alerts(folder: Path) -> list[tuple[str, str]]:
    path = folder / "alerts"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(told["kind"], told["job"]) for told in map(json.loads, lines)]


@pytest.mark.fault(196)
def test_a_failure_is_told_once_and_its_end_once_and_the_others_go_on(
    follower: Any, tables: tuple[TableName, TableName], tmp_path: Path, lake: Lake
) -> None:
    bad, good = tables
    tries: list[tuple[Step, tuple[TableName, ...]]] = []

    def script(step: Step, plan: Plan) -> LegResult:
        tries.append((step, plan.tables))
        failing = step is Step.BACKUP and sum(bad in t for s, t in tries if s is step) <= 2
        outcomes = [
            Outcome(step, str(t), error="a gap", done=False)
            if failing and t == bad
            else Outcome(step, str(t))
            for t in plan.tables
        ]
        return LegResult(step, outcomes, int(failing))

    made, quiet = follower(script, 12)
    assert made.run() == 0
    assert len(quiet.rounds) == 12
    name = f"follow, backup of {bad}"
    assert alerts(tmp_path) == [("failed", name), ("recovered", name)]
    assert sum(good in t for s, t in tries if s is Step.BACKUP) > 3
    day = quiet.rounds[0].began.date()
    reports = read_reports(lake.project.location, day - timedelta(days=1), day)
    (report,) = [leg for run in reports for leg in run.legs if leg.leg == "follow"]
    assert report.success is True
    assert {table.table for table in report.tables} == set(map(str, tables))


@pytest.mark.fault(196)
def test_a_failure_is_told_before_the_next_leg_begins(
    follower: Any, tables: tuple[TableName, TableName], tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    bad, good = tables
    told = list[tuple[Any, ...]]()

    def script(step: Step, plan: Plan) -> LegResult:
        if step is not Step.BACKUP:
            events = [r for r in caplog.records if r.getMessage() == "Leg failed"]
            told.append((alerts(tmp_path), [vars(r)["failed"] for r in events]))
            return went_well(step, plan)
        failed = Outcome(step, str(bad), error="a gap", done=False)
        return LegResult(step, [failed, Outcome(step, str(good))], 1)

    made, _ = follower(script, 1)
    assert made.run() == 0
    lines = [f"backup {bad}  a gap"]
    assert told == [([("failed", f"follow, backup of {bad}")], [lines])] * 2


@pytest.mark.fault(196)
def test_a_leg_that_cannot_be_begun_is_one_failure(follower: Any, tmp_path: Path) -> None:
    def script(step: Step, plan: Plan) -> LegResult:
        if step is Step.LOAD:
            raise ConfigError("the warehouse is away")
        return went_well(step, plan)

    made, _ = follower(script, 3)
    assert made.run() == 0
    assert alerts(tmp_path) == [("failed", "follow, load")]
    again, _ = follower(went_well, 1)
    assert again.run() == 0
    assert alerts(tmp_path)[1:] == [("recovered", "follow, load")], "by one that was started again"


@pytest.mark.fault(195)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_between_two_legs(follower: Any, number: signal.Signals) -> None:
    begun: list[Step] = []

    def script(step: Step, plan: Plan) -> LegResult:
        begun.append(step)
        signal.raise_signal(number)
        return went_well(step, plan)

    made, quiet = follower(script, 0)
    before = signal.getsignal(number)
    assert made.run() == 128 + number
    assert begun == [Step.BACKUP]
    assert len(quiet.rounds) == 1
    assert signal.getsignal(number) is before
    assert "log watch" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.fault(195)
def test_a_signal_in_the_middle_of_a_leg_is_heard_whatever_the_leg_makes_of_it(
    tmp_path: Path,
) -> None:
    """It may be at its end, and end well: the follower would go on for ever."""
    stop = Stop()
    # Blocked before the line is written, so that it cannot come too early.
    program = (
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [15]); print(1); "
        "signal.sigwait([15])"
    )
    ignored = [sys.executable, "-uc", program]

    def read(_: str) -> None:
        signal.raise_signal(signal.SIGTERM)

    with stop.listening():
        assert run(ignored, tmp_path, {}, read) == 0
        assert stop.is_set()
        assert stop.signal == signal.SIGTERM


@pytest.mark.fault(195)
def test_a_signal_at_any_moment_ends_the_waiting() -> None:
    """While nothing changes a follower begins to wait five times a second."""
    for moment in moments():
        stop = Stop()
        with stop.listening(), moment:
            while not stop.is_set():
                stop.wait(60.0)
        assert stop.signal == signal.SIGTERM


@pytest.mark.fault(195)
def test_while_nothing_changes_no_round_is_begun(
    follower: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, quiet = follower(went_well, 0, blind=False)
    looks: list[int] = []
    is_due = Follower._is_due

    def looked(self: Follower) -> bool:
        due = is_due(self)
        if not due and self._watch.blind is None:
            looks.append(len(quiet.rounds))
            if len(looks) == 40:
                self._stop._hear(signal.SIGTERM, None)
        return due

    monkeypatch.setattr(Follower, "_is_due", looked)
    late = threading.Timer(60, made._stop._hear, (signal.SIGTERM, None))
    late.start()
    assert made.run() == 143
    late.cancel()
    assert quiet.rounds
    assert len(looks) == 40
    assert len(set(looks[-20:])) == 1, "a round began between looks at a log that told of nothing"


@pytest.mark.fault(196)
def test_a_damaged_bookmark_is_its_own_tables_failure(
    lake: Lake, tables: tuple[TableName, TableName]
) -> None:
    bad, good = tables
    place = {"file": "x.000001", "offset": 4, "gtid": "", "server": "x", "flavor": "mariadb"}
    own = {
        "version": 1, "table": str(good), "replication_method": "LOG_BASED", "key": ["id"],
        "columns": ["id"], "epoch": "2025-01-01T00:00:00", "read_at": "2025-01-01T00:00:00",
        "position": place,
    }  # fmt: skip
    marks = {good.stream: {"tidemark": own}, bad.stream: {"tidemark": own | {"position": {}}}}
    lake.bookmark(Leg.BACKUP, None, **marks)
    found = Marks(States(lake.project), Lags())
    assert found.refresh(tables) == [good]
    assert found.keys == {good: ("id",)}
    assert found.refresh(tables) == [], "no newer rows than before"


@pytest.mark.fault(195)
def test_of_two_followers_one_says_who_the_other_is(follower: Any, lake: Lake) -> None:
    key = lake.project.layout.follow_lease_key()
    made, quiet = follower(went_well, 1)
    with (
        Lease.acquire(lake.project.s3, lake.project.bucket, key, owner="tidemark follow"),
        pytest.raises(LeaseError, match="tidemark follow") as caught,
    ):
        made.run()
    assert caught.value.exit_code == 4
    assert quiet.rounds == []


@pytest.mark.fault(195)
def test_a_job_waits_for_the_end_of_a_followers_round_and_for_nobody_else(lake: Lake) -> None:
    key = lake.project.layout.job_lease_key()

    def held(owner: str) -> Lease:
        return Lease.acquire(lake.project.s3, lake.project.bucket, key, owner=owner)

    with held("run-job sync, run 1"), pytest.raises(LeaseError, match="run-job sync"):
        hold_job(lake.project, "tidemark sync").__enter__()
    lease = held(f"{FOLLOWER}, run 2")
    threading.Timer(1.5, lease.release).start()
    with hold_job(lake.project, "tidemark sync"):
        begun = time.monotonic()
    assert time.monotonic() - begun < 30
    with held(f"{FOLLOWER}, run 2"), pytest.raises(LeaseError):
        hold_job(lake.project, "tidemark follow, run 3", follows=True).__enter__()


@pytest.mark.fault(195)
def test_a_job_that_waits_is_let_in_after_the_round_and_nobody_else_is_waited_for(
    follower: Any, lake: Lake, tables: tuple[TableName, TableName],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The job asks for the lease while the second round works, and looks again after its end.

    What has failed in that round is tried again after the job, which may have mended it.
    """
    monkeypatch.setattr("tidemark.services.follow.work._FIRST", 60.0)
    monkeypatch.setattr("tidemark.services.follow.follower._PAUSE", 2.0)
    monkeypatch.setattr("tidemark.runner.held_lease._LOOK_SECONDS", 0.2)
    free, said = lake.project.layout.waiting_lease_key(), list[int]()

    def wait() -> None:
        with hold_job(lake.project, "tidemark sync"):
            said.append(len(quiet.rounds))

    job = threading.Thread(target=wait)

    def work(step: Step, plan: Plan) -> LegResult:
        if step is Step.BACKUP and len(quiet.rounds) == 1:
            job.start()
            deadline = time.monotonic() + 30
            while Lease.is_free(lake.project.s3, lake.project.bucket, free):
                assert time.monotonic() < deadline
            return LegResult(step, [Outcome(step, str(tables[0]), error="broken")], 1)
        return went_well(step, plan)

    paused, is_awaited = list[bool](), Follower._is_awaited

    def noted(self: Follower) -> bool:
        paused.append(is_awaited(self))
        return paused[-1]

    monkeypatch.setattr(Follower, "_is_awaited", noted)
    made, quiet = follower(work, 6)
    assert made.run() == 0
    job.join()
    assert said == [2]
    assert paused == [False, True, False, False, False, False]
    assert str(tables[0]) in quiet.rounds[2].tables


@pytest.mark.fault(195)
def test_a_follower_waits_for_a_job_and_goes_on(
    follower: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = lake.project.layout.job_lease_key()
    lease = Lease.acquire(lake.project.s3, lake.project.bucket, key, owner="run-job sync, run 1")
    made, quiet = follower(went_well, 1)
    waits = quiet.waits

    def ended(why: str) -> None:
        waits(why)
        lease.release()

    monkeypatch.setattr(quiet, "waits", ended)
    assert made.run() == 0
    (waited,) = quiet.waited
    assert "run-job sync, run 1" in waited
    assert len(quiet.rounds) == 1
    assert lake.bookmarks(Leg.BACKUP) == {}


@pytest.mark.security(7)
def test_what_is_written_in_cron_has_no_secret_in_its_fields_either(
    capsys: pytest.CaptureFixture[str],
) -> None:
    SECRETS.add(["correct-horse-battery"])
    with _logged():
        logging.getLogger("tidemark.follow").info(
            "password correct-horse-battery", extra={"failed": ["load: correct-horse-battery"]}
        )
    (line,) = capsys.readouterr().out.splitlines()
    assert "correct-horse" not in line
    assert set(json.loads(line)) >= {"event", "failed", "level", "timestamp"}
