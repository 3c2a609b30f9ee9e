"""One round of a follower: each leg for the tables that have something to do on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic

from tidemark_core.errors import StateError, TidemarkError
from tidemark_core.names import TableName

from tidemark.config.project import Project
from tidemark.config.tables.selection import models
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.log_bookmark import log_bookmark
from tidemark.services.bookmarks.store import States
from tidemark.services.follow.lag import Lags
from tidemark.services.follow.work import Part, Step, Work
from tidemark.services.sync.meltano_run import ENDED, Outcome, Runner
from tidemark.services.sync.plan import Plan
from tidemark.services.sync.sync import LegResult, extract, load, run_build

Log = Callable[[str], object]


@dataclass
class Round:
    """What a round has done.

    Attributes:
        run_id: Shared by its legs.
        legs: Their results, in order.
        lags: Of each table whose last reading is seen: the longest that a change took, in seconds.
        began: When, UTC.
    """

    run_id: str
    legs: list[LegResult] = field(default_factory=list)
    lags: dict[TableName, float] = field(default_factory=dict)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def tables(self) -> list[str]:
        """The tables of its legs."""
        return sorted({outcome.table for leg in self.legs for outcome in leg.outcomes})

    @property
    def seconds(self) -> float:
        return sum(leg.seconds for leg in self.legs)


@dataclass
class Marks:
    """How far tables have been read, as the state says.

    Attributes:
        states: Reads it.
        read_at: When the newest rows of each table were read.
        keys: The columns of the key of each table that was read.
    """

    states: States
    lags: Lags
    read_at: dict[TableName, datetime] = field(default_factory=dict)
    keys: dict[TableName, tuple[str, ...]] = field(default_factory=dict)

    def refresh(self, tables: Sequence[TableName]) -> list[TableName]:
        """Reads the bookmarks of tables; returns the tables that have newer rows than before.

        A damaged one is skipped: the table's own backup says what is wrong with it.

        Raises:
            TidemarkError: The state cannot be read.
        """
        marks = self.states.bookmarks(Leg.BACKUP)
        newer = []
        for table in tables:
            try:
                found = log_bookmark(table, marks.get(table.stream, {}))
            except StateError:
                continue
            if found is None:
                continue
            bookmark, self.keys[table] = found
            if not bookmark.left:
                self.lags.read(table, bookmark.position)
            if self.read_at.get(table) != bookmark.read_at:
                newer.append(table)
            self.read_at[table] = bookmark.read_at
        return newer


@dataclass
class Rounds:
    """Runs one round after the other.

    Attributes:
        project: Where we are.
        plan: The tables, the rules, and what the operator asks for.
        work: What is left to be done.
        marks: How far the tables have been read.
        lags: What is not seen yet.
        log: Is given each line that the legs write.
        begin: Is told the name of each leg when it begins.
        ended: Is told, when a leg has ended, which parts of it have failed or succeeded.
        stopped: Whether no further leg is to begin.
        runner: Runs the commands of the legs.
        tested: Whether dbt's tests of the tables that are built are run; after a failed build
            they always are.
    """

    project: Project
    plan: Plan
    work: Work
    marks: Marks
    lags: Lags
    log: Log
    begin: Callable[[str], object]
    ended: Callable[[Step, set[Part]], object]
    stopped: Callable[[], bool]
    runner: Runner
    tested: bool = True

    def run(self, run_id: str) -> Round:
        """Runs the legs that have something to do."""
        done = Round(run_id)
        for step in Step:
            tables = self.work.due(step, monotonic())
            if not tables or self.stopped():
                continue
            self.begin(step)
            begun = monotonic()
            try:
                result = self._leg(step, replace(self.plan, tables=tables, run_id=run_id))
            except (TidemarkError, OSError) as error:
                result = not_begun(step, tables, error)
            done.legs.append(replace(result, seconds=monotonic() - begun))
            if result.code in ENDED and self.stopped():
                return done
            self._ended(step, tables, result, done)
        return done

    def refused(self, run_id: str, error: TidemarkError) -> Round:
        """The round of a run that could not take the lease: its first leg has failed."""
        done, now = Round(run_id), monotonic()
        step = next(step for step in Step if self.work.due(step, now))
        tables = self.work.due(step, now)
        done.legs.append(not_begun(step, tables, error))
        self._ended(step, tables, done.legs[-1], done)
        return done

    def _leg(self, step: Step, plan: Plan) -> LegResult:
        if step is Step.BUILD:
            failed = any((step, table) in self.work.failures for table in (None, *plan.tables))
            tested, detailed = self.tested or failed, failed or plan.options.debug
            return run_build(
                self.project, plan, self.log, self.runner, tested=tested, detailed=detailed
            )
        # Not by `run_backup` and `run_load`, which read all manifests and the ledger for counts.
        ran = (extract if step is Step.BACKUP else load)(self.project, plan, self.log, self.runner)
        outcomes = [ran.outcome(step, table, None, None) for table in plan.tables]
        return LegResult.of(step, ran, outcomes)

    def _ended(
        self, step: Step, tables: Sequence[TableName], result: LegResult, done: Round
    ) -> None:
        now = monotonic()
        told = {outcome.table: outcome for outcome in result.outcomes}
        ours = {table: told[str(table)] for table in tables if str(table) in told}
        errors = {t: outcome.error for t, outcome in ours.items() if outcome.error is not None}
        cause = result.cause or common(errors, len(ours))
        if cause is not None and result.cause is None:
            errors = {}
        undone = {t for t, o in ours.items() if (o.error or not o.done) and t not in errors}
        finished = self.work.ended(
            step, tables, errors, now, cause=cause, next=result.next, undone=undone
        )
        if step is Step.BACKUP:
            # Also after a leg that ended early: what its state says is committed.
            self.work.add(Step.LOAD, self._newer(tables))
        elif step is Step.LOAD:
            names = self.project.names
            built = set(models(self.project.root, finished, names))
            self.work.add(Step.BUILD, [table for table in finished if names.of(table) in built])
        self.ended(step, {(step, None), *((step, table) for table in (*finished, *errors))})
        ahead = self.work.todo[Step.LOAD] | self.work.todo[Step.BUILD]
        for table in (table for table in finished if table not in ahead):
            lag = self.lags.seen(table, now)
            if lag is not None:
                done.lags[table] = lag

    def _newer(self, tables: Sequence[TableName]) -> Sequence[TableName]:
        """The tables that have newer rows in the lake; all if unknown."""
        try:
            return self.marks.refresh(tables)
        except TidemarkError:
            return tables


def not_begun(step: Step, tables: Sequence[TableName], error: Exception) -> LegResult:
    """The result of a leg that could not even begin."""
    outcomes = [Outcome(step, str(table), done=False) for table in tables]
    if isinstance(error, TidemarkError):
        return LegResult(step, outcomes, error.exit_code, error.message, next=error.hint)
    return LegResult(step, outcomes, 1, f"{type(error).__name__}: {error}")


def common(errors: Mapping[TableName, str], tables: int) -> str | None:
    """Why all of several tables have failed; None: not all have, or not for the same reason."""
    reasons = set(errors.values())
    return reasons.pop() if len(reasons) == 1 and len(errors) == tables > 1 else None
