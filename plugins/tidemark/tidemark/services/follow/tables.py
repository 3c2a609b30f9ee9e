"""Which tables a follower follows."""

from __future__ import annotations

from collections.abc import Sequence

from tidemark_core.errors import ConfigError
from tidemark_core.names import TableName
from tidemark_core.types.singer_schema import LOG_BASED

from tidemark.config.project import Project
from tidemark.config.tables.selection import Options, Rules
from tidemark.services.sync.meltano_run import new_run_id
from tidemark.services.sync.plan import Plan


def plan_follow(project: Project, tables: Sequence[TableName], options: Options) -> Plan:
    """The tables that are followed.

    Args:
        project: Where we are.
        tables: What was asked for; empty: all of the project's that are read from the log.
        options: How.

    Raises:
        ConfigError: There are none, or one of them is not read from the log: whether anything is
            new in it cannot be known without reading it.
    """
    rules = Rules.read(project.root)
    for table in tables:
        if rules.method(table) != LOG_BASED:
            raise ConfigError(
                "it is not read from MySQL's binary log, so it cannot be followed",
                table=table,
                hint=f"tidemark add {table} --log-based; or use the scheduled tidemark sync",
            )
    wanted = tuple(tables) or tuple(t for t in rules.tables() if rules.method(t) == LOG_BASED)
    if not wanted:
        raise ConfigError(
            "no table is read from MySQL's binary log", hint="tidemark add TABLE --log-based"
        )
    return Plan(wanted, {}, rules, options, new_run_id())
