"""Drives Meltano for the operator: the same jobs as at night, and a result a table."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tidemark_core.masking import SECRETS, secrets_of
from tidemark_core.names import TableName

from tidemark.dbt.results import read_failures
from tidemark.job.cause import Cause, CauseFinder
from tidemark.job.meltano import meltano_command, run, run_command
from tidemark.project import Project

EXTRACT_AND_LAND = ("tap-mysql", "target-s3-parquet")
READ_AND_LOAD = ("tap-s3-parquet", "target-redshift")


@dataclass(frozen=True)
class Outcome:
    """What became of one table on one leg.

    Attributes:
        leg: ``backup``, ``load`` or ``build``.
        table: ``schema.table``.
        rows: Rows moved.
        files: Files moved.
        error: Why it failed; None: it did not.
    """

    leg: str
    table: str
    rows: int | None = None
    files: int | None = None
    error: str | None = None


@dataclass
class Observer:
    """Reads what a run writes: what failed, and for which tables."""

    log: Callable[[str], object]
    errors: dict[str, str] = field(default_factory=dict)
    finder: CauseFinder = field(default_factory=CauseFinder)

    def read(self, line: str) -> None:
        """Takes in one line."""
        masked = SECRETS(line)
        self.log(masked)
        self.finder.read(masked)
        record = _parse(masked)
        table = record.get("table")
        if record.get("level") in ("error", "critical") and isinstance(table, str):
            self.errors.setdefault(table, str(record.get("event", "")).strip())


def _parse(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


@dataclass(frozen=True)
class Ran:
    """How a run of Meltano ended."""

    code: int
    cause: Cause | None
    errors: Mapping[str, str]

    def error_of(self, table: TableName, *, moved: bool) -> str | None:
        """Why a table failed; None when it did not, or when only others did."""
        if str(table) in self.errors:
            return self.errors[str(table)]
        if self.cause is None or moved or self.errors:
            return None
        return self.cause.message


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
) -> Ran:
    """Runs ``meltano run BLOCKS`` to its end."""
    return _run(project, run_command(blocks, project.env_file), run_id, more, log)


def build(
    project: Project, models: Sequence[str], run_id: str, log: Callable[[str], object]
) -> tuple[Ran, Mapping[str, str]]:
    """Builds some models and what they are made from.

    Returns:
        How it ended, and by model why some were not built or failed their tests, where dbt knows.
    """
    command = [*meltano_command(project.env_file), "invoke", "dbt"]
    # With what they are made from; views show the new rows by themselves. A test that also asks a
    # table which is not built yet belongs to the build of everything.
    command += ["build", "--exclude-resource-type", "unit_test"]
    command += ["--indirect-selection", "cautious", "--select", *(f"+{model}" for model in models)]
    begun = datetime.now(UTC)
    ran = _run(project, command, run_id, {}, log)
    failed = read_failures(project.root / "transform", project.environ, begun) if ran.code else {}
    return ran, failed


def _run(
    project: Project,
    command: Sequence[str],
    run_id: str,
    more: Mapping[str, str],
    log: Callable[[str], object],
) -> Ran:
    SECRETS.add(secrets_of(project.environ))
    observer = Observer(log)
    code = run(command, project.root, variables(project, run_id, more), observer.read)
    cause = observer.finder.cause(code) if code else None
    return Ran(128 - code if code < 0 else code, cause, observer.errors)
