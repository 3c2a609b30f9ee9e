"""What a backup or a load is about: its tables and their keys, and what it would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tap_mysql.settings import TapSettings
from tap_mysql.singer.missing_tables import missing
from tap_mysql.values.bookmark_facts import log_place
from tidemark_core.errors import ConfigError, TidemarkError
from tidemark_core.names import TableName
from tidemark_core.text.documents import Json
from tidemark_core.types.singer_schema import LOG_BASED

from tidemark.config.project import Project
from tidemark.config.tables.selection import Options, Rules
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.lake.listing import list_tables
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
from tidemark.services.sync.meltano_run import new_run_id
from tidemark.source.mysql import MySQL, open_mysql
from tidemark.source.queries import SourceTable, column_type


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
    with open_mysql(project.mysql) as mysql:
        # One that was backed up before, or that the project selects, fails by itself.
        require_tables(mysql, [table for table in tables if table.stream not in marks])
        keys = keys_of(mysql, wanted, rules, marks)
    plan = Plan(wanted, keys, rules, options, new_run_id())
    if options.limit and plan.whole:
        raise ConfigError(
            f"{', '.join(map(str, plan.whole))}: tables without a replication key are always read "
            "in full, so a limit does not apply",
            hint="select the other tables with -t, or omit --limit",
        )
    return plan


def plan_load(project: Project, tables: Sequence[TableName], options: Options) -> Plan:
    """The tables of the lake that a load is about; MySQL is not asked."""
    wanted = tuple(tables or list_tables(project.location, client=project.s3))
    return Plan(wanted, {}, Rules.read(project.root), options, new_run_id())


def forecasts(project: Project, plan: Plan, *, estimate: bool) -> list[Forecast]:
    """What a backup would do; touches nothing. A table that it would refuse has an error.

    Raises:
        TidemarkError: MySQL cannot be reached.
    """
    settings = project.read(TapSettings)
    marks = States(project).bookmarks(Leg.BACKUP)
    recent = read_extractions(project) if estimate else None
    found = []
    with open_mysql(settings) as mysql:
        known = find_tables(mysql, plan.tables)
        for table in plan.tables:
            try:
                if table not in known:
                    raise missing(table)
                mark = marks.get(table.stream)
                found.append(_forecast(mysql, plan, known[table], mark, settings, recent))
            except TidemarkError as error:
                if error.stops_all or error.retryable:
                    raise
                found.append(Forecast.failed(table, plan.keys[table], error))
    return found


def _forecast(
    mysql: MySQL,
    plan: Plan,
    known: SourceTable,
    mark: Json | None,
    settings: TapSettings,
    recent: Sequence[Extraction] | None,
) -> Forecast:
    table, key = known.name, plan.keys[known.name]
    place = log_place(mark)
    if plan.rules.method(table) == LOG_BASED and place is not None:
        # What the log has beyond it is unknown until it is read.
        return Forecast(str(table), None, place, None, 0, 0, counted=False, files=0)
    keyless = check_keys(mysql, table, key, settings.backup_null_keys) if key else 0
    since = lower_bound(
        mark,
        settings.backup_lookback_seconds,
        settings.backup_lookback_ids,
        local=bool(key) and column_type(mysql, table, str(key)).lower() == "datetime",
    )
    return forecast(
        mysql,
        known,
        key,
        mark,
        since,
        batch_size=plan.options.batch_size or settings.backup_batch_size,
        limit=plan.options.limit or settings.backup_max_rows,
        recent=recent,
        keyless=keyless,
    )
