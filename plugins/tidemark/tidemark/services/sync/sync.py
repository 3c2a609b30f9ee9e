"""backup, load and build of some tables, one leg after the other, with one result per table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import monotonic

from tidemark_core.errors import LakeError
from tidemark_core.names import TableName

from tidemark.config.project import Project
from tidemark.config.tables.schemas import further_schemas
from tidemark.config.tables.selection import extraction_variables, load_variables, models
from tidemark.runner.meltano import run
from tidemark.services.lake.catalogue import ask_ledger
from tidemark.services.lake.listing import read_manifests
from tidemark.services.sync.meltano_run import (
    ENDED,
    EXTRACT_AND_LAND,
    READ_AND_LOAD,
    Outcome,
    Ran,
    Runner,
    build,
    run_leg,
)
from tidemark.services.sync.plan import Plan


@dataclass(frozen=True)
class LegResult:
    """How a leg ended.

    Attributes:
        name: ``backup``, ``load`` or ``build``.
        outcomes: One per table.
        code: Its exit code.
        cause: Why it ended before its time; None: it did not, or a table's own error says so.
        seconds: How long it took.
        next: What to do about the cause, where that is known.
    """

    name: str
    outcomes: list[Outcome]
    code: int = 0
    cause: str | None = None
    seconds: float = 0.0
    next: str | None = None

    @classmethod
    def of(cls, name: str, ran: Ran, outcomes: list[Outcome]) -> LegResult:
        is_told = ran.cause is None or ran.cause.message in ran.errors.values()
        cause = None if is_told or not ran.cause else ran.cause.message
        return cls(name, outcomes, ran.exit_code, cause, next=ran.next)


def extract(
    project: Project, plan: Plan, log: Callable[[str], object], runner: Runner = run
) -> Ran:
    """Runs a backup of the tables, without a look at what it has put into the lake."""
    more = extraction_variables(
        plan.tables,
        plan.rules,
        plan.whole,
        database=project.database,
        schemas=further_schemas(project.environ),
    )
    variables = plan.options.variables() | more
    return run_leg(project, EXTRACT_AND_LAND, plan.run_id, variables, log, runner)


def load(project: Project, plan: Plan, log: Callable[[str], object], runner: Runner = run) -> Ran:
    """Runs a load of the tables, without a look at what the warehouse has."""
    more = plan.options.variables() | load_variables(plan.tables)
    return run_leg(project, READ_AND_LOAD, plan.run_id, more, log, runner)


def run_backup(project: Project, plan: Plan, log: Callable[[str], object]) -> LegResult:
    """Copies the tables to the lake."""
    ran = extract(project, plan, log)
    outcomes = [
        ran.outcome("backup", table, *_committed(project, table, plan.run_id))
        for table in plan.tables
    ]
    return LegResult.of("backup", ran, outcomes)


def _committed(
    project: Project, table: TableName, run_id: str
) -> tuple[int | None, int | None, int | None]:
    """Rows, files and bytes that a run has put into the lake; None if unknown."""
    try:
        manifests = read_manifests(project.location, [table], client=project.s3)
    except LakeError:  # an object that is not a manifest, which the load reports
        return None, None, None
    ours = [m for m in manifests.get(table, []) if m.run_id == run_id]
    return sum(m.rows for m in ours), sum(len(m.files) for m in ours), sum(m.size for m in ours)


def run_load(project: Project, plan: Plan, log: Callable[[str], object]) -> LegResult:
    """Loads what the lake has and the warehouse does not."""
    before = {entry.file for entry in ask_ledger(project, plan.tables)[0] or []}
    ran = load(project, plan, log)
    ledger, problem = ask_ledger(project, plan.tables)
    if ledger is None and not ran.exit_code:
        # With nothing to load, there was no login: whether all is loaded is unknown.
        told = [Outcome("load", str(table), done=False) for table in plan.tables]
        return LegResult("load", told, 1, f"the warehouse cannot say what is loaded: {problem}")
    outcomes = []
    for table in plan.tables:
        new = [e for e in ledger or [] if e.table == str(table) and e.file not in before]
        moved: tuple[int | None, int | None, int | None] = (None, None, None)
        if ledger is not None:
            sizes = _sizes(project, table) if new else {}
            moved = sum(e.rows for e in new), len(new), sum(sizes.get(e.file, 0) for e in new)
        outcomes.append(ran.outcome("load", table, *moved))
    return LegResult.of("load", ran, outcomes)


def _sizes(project: Project, table: TableName) -> dict[str, int]:
    """Bytes of a table's files, as its manifests have them."""
    manifests = read_manifests(project.location, [table], client=project.s3, broken=[])
    return {file.key: file.size for m in manifests.get(table, []) for file in m.files}


def run_build(
    project: Project,
    plan: Plan,
    log: Callable[[str], object],
    runner: Runner = run,
    *,
    tested: bool = True,
    detailed: bool = True,
) -> LegResult:
    """Builds, and tests, the public tables of those that have a model."""
    built = models(project.root, plan.tables, project.names)
    if not built:
        return LegResult("build", [])
    ran, failed = build(project, built, plan.run_id, log, runner, tested=tested, detailed=detailed)
    named = {project.names.of(table): str(table) for table in plan.tables}
    if ran.exit_code in ENDED:
        outcomes = [Outcome("build", named[model], done=False) for model in built]
        return LegResult.of("build", ran, outcomes)
    errors = {model: failed[model] for model in built if model in failed}
    if ran.cause and not errors:
        errors = dict.fromkeys(built, ran.cause.message)
    outcomes = [Outcome("build", named[model], error=errors.get(model)) for model in built]
    return LegResult("build", outcomes, ran.exit_code, next=ran.next)


def run_legs(
    project: Project,
    plan: Plan,
    log: Callable[[str], object],
    begin: Callable[[str], object] = lambda _: None,
    *,
    backup: bool = True,
    warehouse: bool = True,
) -> Iterator[LegResult]:
    """Runs leg after leg. A table that fails does not stop the others.

    Args:
        project: Where we are.
        plan: What is run.
        log: Is given each line that the legs write.
        begin: Is told the name of each leg when it begins.
        backup: Whether MySQL is read.
        warehouse: Whether the lake is loaded, and the tables are built.
    """
    legs = {"backup": run_backup} if backup else {}
    legs |= {"load": run_load, "build": run_build} if warehouse else {}
    for name, leg in legs.items():
        begin(name)
        begun = monotonic()
        done = leg(project, plan, log)
        yield replace(done, seconds=monotonic() - begun)
        if done.code in ENDED:
            return
