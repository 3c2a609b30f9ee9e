"""backup, load and build of some tables, one leg after the other, with a result a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from tap_mysql.settings import SETTINGS as TAP_SETTINGS
from tap_mysql.singer.missing_tables import missing
from tap_mysql.values.bookmark_facts import log_place
from tidemark_core.errors import ConfigError, LakeError, TidemarkError
from tidemark_core.names import TableName
from tidemark_core.types.singer_schema import LOG_BASED

from tidemark.config.project import Project
from tidemark.config.tables.schemas import further_schemas
from tidemark.config.tables.selection import (
    Options,
    Rules,
    extraction_variables,
    load_variables,
    models,
)
from tidemark.runner.meltano import run
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.lake.catalogue import ask_ledger
from tidemark.services.lake.listing import list_tables, read_manifests
from tidemark.services.sync.dry_run import (
    Extraction,
    Forecast,
    check_keys,
    find_tables,
    forecast,
    keys_of,
    lower_bound,
    read_extractions,
    require_tables,
)
from tidemark.services.sync.meltano_run import (
    ENDED,
    EXTRACT_AND_LAND,
    READ_AND_LOAD,
    Outcome,
    Ran,
    Runner,
    build,
    new_run_id,
    run_leg,
)
from tidemark.source.mysql import MySQL, open_mysql
from tidemark.source.queries import SourceTable, column_type

_LOOKBACK = tuple(setting for setting in TAP_SETTINGS if setting.name.startswith("backup_"))


@dataclass(frozen=True)
class Plan:
    """What is going to be run.

    Attributes:
        tables: Tables, as found in the source or in the lake.
        keys: Replication key of each; None: read whole.
        rules: The project's.
        options: What the operator asks for.
        run_id: Shared by all legs.
    """

    tables: tuple[TableName, ...]
    keys: dict[TableName, str | None]
    rules: Rules
    options: Options
    run_id: str

    @property
    def whole(self) -> tuple[TableName, ...]:
        """Tables that are read whole each time."""
        keyless = (table for table in self.tables if self.keys.get(table) is None)
        return tuple(table for table in keyless if self.rules.method(table) != LOG_BASED)


@dataclass(frozen=True)
class LegResult:
    """How a leg ended.

    Attributes:
        name: ``backup``, ``load`` or ``build``.
        outcomes: One a table.
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


def plan_backup(project: Project, tables: Sequence[TableName], options: Options) -> Plan:
    """Looks the tables up in the source.

    Args:
        project: Where we are.
        tables: What was asked for; empty: what the project selects by name.
        options: How.

    Raises:
        ConfigError: A table does not exist and never did, or cannot be read up to a limit.
        TidemarkError: MySQL cannot be reached.
    """
    rules = Rules.read(project.root)
    wanted = tuple(tables) or tuple(rules.tables())
    marks = States(project).bookmarks(Leg.BACKUP)
    with open_mysql(project.mysql_values) as mysql:
        # One that was backed up before, or that the project selects, fails by itself.
        require_tables(mysql, [table for table in tables if table.stream not in marks])
        keys = keys_of(mysql, wanted, rules, marks)
    plan = Plan(wanted, keys, rules, options, new_run_id())
    if options.limit and plan.whole:
        raise ConfigError(
            f"{', '.join(map(str, plan.whole))}: a table without a replication key is read whole "
            "each time, not up to a limit",
            hint="name the other tables with -t, or leave --limit out",
        )
    return plan


def plan_load(project: Project, tables: Sequence[TableName], options: Options) -> Plan:
    """The tables of the lake that a load is about; MySQL is not asked."""
    wanted = tuple(tables or list_tables(project.location, client=project.s3))
    return Plan(wanted, {}, Rules.read(project.root), options, new_run_id())


def forecasts(project: Project, plan: Plan, *, estimate: bool) -> list[Forecast]:
    """What a backup would do; touches nothing. A table that it would refuse says so itself.

    Raises:
        TidemarkError: MySQL cannot be reached.
    """
    values = project.values(_LOOKBACK)
    marks = States(project).bookmarks(Leg.BACKUP)
    recent = read_extractions(project) if estimate else None
    found = []
    with open_mysql(project.mysql_values) as mysql:
        known = find_tables(mysql, plan.tables)
        for table in plan.tables:
            try:
                if table not in known:
                    raise missing(table)
                mark = marks.get(table.stream)
                found.append(_forecast(mysql, plan, known[table], mark, values, recent))
            except TidemarkError as error:
                if error.stops_all or error.retryable:
                    raise
                found.append(Forecast.failed(table, plan.keys[table], error))
    return found


def _forecast(
    mysql: MySQL,
    plan: Plan,
    known: SourceTable,
    mark: Mapping[str, Any] | None,
    values: Mapping[str, Any],
    recent: Sequence[Extraction] | None,
) -> Forecast:
    table, key = known.name, plan.keys[known.name]
    place = log_place(mark)
    if plan.rules.method(table) == LOG_BASED and place is not None:
        # What the log has behind it, nobody knows before it is read.
        return Forecast(str(table), None, place, None, 0, 0, counted=False, files=0)
    keyless = check_keys(mysql, table, key, values["backup_null_keys"]) if key else 0
    since = lower_bound(
        mark,
        values["backup_lookback_seconds"],
        values["backup_lookback_ids"],
        local=bool(key) and column_type(mysql, table, str(key)).lower() == "datetime",
    )
    return forecast(
        mysql,
        known,
        key,
        mark,
        since,
        batch_size=plan.options.batch_size or values["backup_batch_size"],
        limit=plan.options.limit or values["backup_max_rows"],
        recent=recent,
        keyless=keyless,
    )


def extract(
    project: Project, plan: Plan, log: Callable[[str], object], runner: Runner = run
) -> Ran:
    """Runs a backup of the tables, without a look at what it has put into the lake."""
    more = extraction_variables(
        plan.tables,
        plan.rules,
        plan.whole,
        database=project.environ.get("DB_DATABASE", ""),
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
    """Rows, files and bytes that a run has put into the lake; None: it cannot be told."""
    try:
        manifests = read_manifests(project.location, [table], client=project.s3)
    except LakeError:  # an object that is no manifest, of which the load tells
        return None, None, None
    ours = [m for m in manifests.get(table, []) if m.run_id == run_id]
    return sum(m.rows for m in ours), sum(len(m.files) for m in ours), sum(m.size for m in ours)


def run_load(project: Project, plan: Plan, log: Callable[[str], object]) -> LegResult:
    """Loads what the lake has and the warehouse has not."""
    before = {entry.file for entry in ask_ledger(project, plan.tables)[0] or []}
    ran = load(project, plan, log)
    ledger, problem = ask_ledger(project, plan.tables)
    if ledger is None and not ran.exit_code:
        # With nothing to load, nobody has logged in: whether all is loaded, nobody knows.
        told = [Outcome("load", str(table), done=False) for table in plan.tables]
        return LegResult("load", told, 1, f"the warehouse does not say what is loaded: {problem}")
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
) -> LegResult:
    """Builds, and tests, the public tables of those that have a model."""
    built = models(project.root, plan.tables, project.names)
    if not built:
        return LegResult("build", [])
    ran, failed = build(project, built, plan.run_id, log, runner, tested=tested)
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
    """Runs leg after leg. A table that fails does not keep the others from going on.

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
