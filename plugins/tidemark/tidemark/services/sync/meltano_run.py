"""Drives Meltano for the operator: the same jobs as at night, and one result per table."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from tidemark_core.logs import Event
from tidemark_core.names import TableName
from tidemark_core.runs import deferred
from tidemark_core.runs.deferred import Failure
from tidemark_core.text.masking import SECRETS, secrets_of

from tidemark.config.project import Project
from tidemark.dbt.results import read_failures
from tidemark.runner.failure_cause import Cause, CauseFinder, record_in
from tidemark.runner.meltano import program, run, run_command

EXTRACT_AND_LAND = ("tap-mysql", "target-s3-parquet")
READ_AND_LOAD = ("tap-s3-parquet", "target-redshift")
#: Exit codes of a run that was ended by SIGINT or SIGTERM.
ENDED = frozenset({130, 143})
_COMPLETED = (Event.BACKUP_COMPLETED.value, Event.LOAD_COMPLETED.value)


@dataclass(frozen=True)
class Outcome:
    """What became of one table on one leg.

    Attributes:
        leg: ``backup``, ``load`` or ``build``.
        table: ``schema.table``.
        rows: Rows moved.
        files: Files moved.
        error: Why it failed; None: it did not.
        done: Whether all was done for it that there was to do; False without an error where the
            leg ended before it.
        bytes: Size of the files that moved.
    """

    leg: str
    table: str
    rows: int | None = None
    files: int | None = None
    error: str | None = None
    done: bool = True
    bytes: int | None = None


@dataclass
class Observer:
    """Reads what a run writes: what failed, for which tables, and which it says are done."""

    log: Callable[[str], object]
    errors: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    finder: CauseFinder = field(default_factory=CauseFinder)

    def read(self, line: str) -> None:
        """Takes in one line."""
        masked = SECRETS(line)
        self.log(masked)
        record = record_in(masked)
        self.finder.take_in(record, masked)
        table = record.get("table")
        if record.get("level") in ("error", "critical") and isinstance(table, str):
            self.errors.setdefault(table, str(record.get("event", "")).strip())
        if record.get("event") in _COMPLETED:
            self.done.update(map(str, record.get("successful_tables") or ()))


@dataclass(frozen=True)
class Ran:
    """How a run of Meltano ended.

    Attributes:
        code: Its exit code; 0 too when only tables failed and all others were done.
        cause: Why it ended before its time; None: it did not.
        errors: Of the tables that failed.
        done: Tables that it says are done, should it have ended early.
        failures: What failed in it, if only tables failed.
    """

    code: int
    cause: Cause | None
    errors: Mapping[str, str]
    done: frozenset[str] = frozenset()
    failures: Sequence[Failure] = ()

    def outcome(
        self,
        leg: str,
        table: TableName,
        rows: int | None,
        files: int | None,
        size: int | None = None,
    ) -> Outcome:
        """What became of a table.

        Args:
            leg: The leg.
            table: The table.
            rows: Rows of it that moved; None if unknown.
            files: Files of them.
            size: Bytes of those.
        """
        error = self.errors.get(str(table))
        # After a run that ended early, nothing is known about a table in which nothing moved.
        done = error is None and (self.cause is None or bool(files and str(table) in self.done))
        return Outcome(leg, str(table), rows, files, error, done, size)

    @property
    def next(self) -> str | None:
        """What to do about the cause, where that is known."""
        return None if self.cause is None else self.cause.next

    @property
    def exit_code(self) -> int:
        """That of our own error, where it was one."""
        if self.cause is not None and self.cause.kind:
            return self.cause.exit_code
        return self.code or deferred.exit_code(self.failures)


class Runner(Protocol):
    """Runs a command to its end, as `tidemark.runner.meltano.run` does."""

    def __call__(
        self,
        command: Sequence[str],
        root: Path,
        environ: Mapping[str, str],
        read: Callable[[str], None],
    ) -> int: ...


def new_run_id() -> str:
    """A run id; all legs of one command share it."""
    return str(uuid.uuid4())


def variables(project: Project, run_id: str, more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: ours, the project's .env, and what this run is told."""
    given = {k: v for k, v in project.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        "NO_COLOR": "1",
        **given,
        "MELTANO_PROJECT_ROOT": str(project.root),
        "MELTANO_RUN_ID": run_id,
        "TIDEMARK_RUN_ID": run_id,
        **({"TIDEMARK_ENV_FILE": str(project.env_file)} if project.env_file else {}),
        **more,
    }


def run_blocks(
    project: Project,
    blocks: Sequence[str],
    run_id: str,
    more: Mapping[str, str],
    log: Callable[[str], object],
    runner: Runner = run,
) -> Ran:
    """Runs ``meltano run BLOCKS`` to its end."""
    return _run(project, run_command(blocks, project.env_file), run_id, more, log, runner)


def run_leg(
    project: Project,
    blocks: Sequence[str],
    run_id: str,
    more: Mapping[str, str],
    log: Callable[[str], object],
    runner: Runner = run,
) -> Ran:
    """`run_blocks`, in which a table that fails does not stop the others."""
    environ = variables(project, run_id, more)
    deferred.begin(environ)
    ran = run_blocks(project, blocks, run_id, more, log, runner)
    failures = deferred.end(environ)
    told = {failure.table: failure.message for failure in failures if failure.table}
    return replace(ran, errors={**told, **ran.errors}, failures=failures)


def build(
    project: Project,
    models: Sequence[str],
    run_id: str,
    log: Callable[[str], object],
    runner: Runner = run,
    *,
    tested: bool = True,
    detailed: bool = True,
) -> tuple[Ran, Mapping[str, str]]:
    """Builds some models and what they are made from.

    Args:
        project: Where we are.
        models: Their names.
        run_id: The run's id.
        log: Is given each line that dbt writes.
        runner: Runs the command.
        tested: Whether dbt's tests of them are run.
        detailed: Whether dbt writes each statement into its dbt.log: a seventh of a build's CPU.

    Returns:
        How it ended, and by model why some were not built or failed their tests, where dbt knows.
    """
    folder = str(project.root / "transform")
    more = {
        "MELTANO_ENVIRONMENT": project.environment,
        "DBT_PROJECT_DIR": folder,
        "DBT_PROFILES_DIR": folder,
    }
    if not detailed:
        more["DBT_LOG_LEVEL_FILE"] = project.environ.get("DBT_LOG_LEVEL_FILE") or "info"
    # As `meltano invoke dbt` would start it, less the second of CPU that Meltano takes to begin.
    # Includes what the models are made from; views show the new rows by themselves. A test that
    # also reads a table that is not built yet belongs to the build of everything.
    command = [program("tidemark-dbt"), "build", "--exclude-resource-type", "unit_test"]
    command += [] if tested else ["--exclude-resource-type", "test"]
    command += ["--indirect-selection", "cautious", "--select", *(f"+{model}" for model in models)]
    begun = datetime.now(UTC)
    ran = _run(project, command, run_id, more, log, runner)
    failed = read_failures(project.root / "transform", project.environ, begun) if ran.code else {}
    return ran, failed


def _run(
    project: Project,
    command: Sequence[str],
    run_id: str,
    more: Mapping[str, str],
    log: Callable[[str], object],
    runner: Runner,
) -> Ran:
    SECRETS.add(secrets_of(project.environ))
    observer = Observer(log)
    code = runner(command, project.root, variables(project, run_id, more), observer.read)
    cause = observer.finder.cause(code) if code else None
    done = frozenset(observer.done)
    return Ran(128 - code if code < 0 else code, cause, observer.errors, done)
