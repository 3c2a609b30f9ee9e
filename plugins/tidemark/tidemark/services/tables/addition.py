"""`tidemark add`: which files a table needs, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tap_mysql.source.schema import Table
from tidemark_core.errors import ConfigError, TidemarkError
from tidemark_core.names import LandingNames, TableName

from tidemark.config.project import Project
from tidemark.config.settings import DeletionSettings
from tidemark.config.tables.deleted_rows import TABLES
from tidemark.config.tables.schemas import further_schemas
from tidemark.services.tables.contract.contract import MODEL_SQL, Contract, described, write
from tidemark.services.tables.contract.deletes import Deletes
from tidemark.services.tables.contract.identifiers import is_own, landing_name
from tidemark.services.tables.contract.update import Difference, compare, updated
from tidemark.services.tables.method import Method, Remark, Wish, propose
from tidemark.services.tables.project_files import ProjectFiles
from tidemark.services.tables.schemas import keep_schemas
from tidemark.services.tables.source import (
    find_tables,
    gaps,
    landing_table,
    log_remarks,
    remarks,
    why_no_log,
)
from tidemark.source.mysql import MySQL, open_mysql


@dataclass(frozen=True)
class Added:
    """What is proposed for a table.

    Attributes:
        table: ``schema.table``.
        name: Its name in landing and in public.
        method: How it is copied.
        is_new: Whether it has had no contract until now.
        remarks: What should be known of it.
        difference: How the source differs from the contract that it had.
        was: How it was copied until now, if that changes.
        hard_delete: Whether rows that are deleted in MySQL leave its public table.
    """

    table: TableName
    name: str
    method: Method
    is_new: bool
    remarks: tuple[Remark, ...]
    difference: Difference = field(default_factory=Difference)
    was: str | None = None
    hard_delete: bool = True

    @property
    def after(self) -> list[str]:
        """Commands to type before the next run, beyond the usual ones."""
        if self.is_new:
            return []
        rebuild = [f"tidemark rebuild -t {self.table}"] if self.difference.needs_rebuild else []
        if rebuild and self.difference.lake_suffices:
            rebuild = [f"{rebuild[0]} --from-lake"]
        reset = [f"tidemark watermark reset -t {self.table}"] if self.was is not None else []
        return reset + rebuild


@dataclass
class Addition:
    """What a command is about to do.

    Attributes:
        added: By table.
        refused: Why some tables cannot be copied.
        to_set: A setting that has to be set outside our files.
    """

    added: list[Added] = field(default_factory=list)
    refused: list[TidemarkError] = field(default_factory=list)
    to_set: str | None = None


def plan_addition(
    project: Project,
    files: ProjectFiles,
    patterns: Sequence[str],
    left_out: Sequence[str],
    wish: Wish,
    *,
    hard_delete: bool | None = None,
) -> Addition:
    """Works out what the files are to say; nothing is written yet.

    Args:
        project: Where we are.
        files: Its files, which take the changes.
        patterns: The tables that are asked for.
        left_out: What of them is not wanted.
        wish: How they are to be copied.
        hard_delete: Whether rows that are deleted in MySQL leave the public tables; None: as it
            is, and of new tables as HARD_DELETE says.

    Raises:
        ConfigError: A pattern matches nothing, or a column is asked for with several tables.
        SourceError: MySQL cannot be asked.
    """
    plan, contracts, models = Addition(), files.contracts(), files.models()
    database = project.database
    by_default = project.read(DeletionSettings).hard_delete
    deletes = Deletes(hard_delete, by_default)
    with open_mysql(project.mysql) as mysql:
        tables = find_tables(mysql, patterns, left_out, database)
        if wish.replication_key is not None and len(tables) > 1:
            raise ConfigError(
                f"--replication-key applies to one table, but {len(tables)} were given",
                hint="add that table separately, then the others",
            )
        for table in tables:
            try:
                contract = contracts.get(str(table.name))
                plan.added.append(_add(mysql, files, table, contract, models, wish, deletes))
            except TidemarkError as error:
                if error.stops_all:
                    raise
                error.table = error.table or str(table.name)
                plan.refused.append(error)
    # After all contracts, so that a run that is started meanwhile finds those of what it copies.
    files.select({one.table: one.method for one in plan.added})
    schemas = further_schemas(project.environ) | {one.table.schema for one in plan.added}
    plan.to_set = keep_schemas(project, files, schemas)
    return plan


def _add(
    mysql: MySQL,
    files: ProjectFiles,
    table: Table,
    contract: Contract | None,
    models: set[str],
    wish: Wish,
    deletes: Deletes,
) -> Added:
    method = _as_it_is(files, table) if wish.is_open else None
    changes_method = method is None
    if method is None:
        method = propose(table, gaps(mysql, table), wish, lambda: why_no_log(mysql, table.name))
    name = contract.name if contract else _free_name(files, table.name, models)
    landing = landing_table(table, method, files.rules, name, files.super_columns)
    told = (*method.remarks, *log_remarks(mysql, table, method), *remarks(mysql, table, landing))
    hard_delete = deletes.hard(contract, landing, method)
    if contract is None:
        models.add(name)
        _give_name(files, table.name, name)
        new = write(name, landing, table, method, hard_delete=hard_delete)
        files.changes.write(f"{TABLES}/{name}.yml", new)
        files.changes.write(f"{TABLES}/{name}.sql", MODEL_SQL)
        return Added(table.name, name, method, True, told, hard_delete=hard_delete)
    text = files.changes.read(contract.path) or ""
    changed = method if changes_method else None
    new = updated(text, contract, landing, table, changed, hard_delete=hard_delete)
    files.changes.write(contract.path, new)
    was = described(contract)
    is_other = changes_method and was.lower() != str(method).lower()
    difference = compare(contract, landing)
    was_so = was if is_other else None
    return Added(table.name, contract.name, method, False, told, difference, was_so, hard_delete)


def _as_it_is(files: ProjectFiles, table: Table) -> Method | None:
    """How a table is copied already; None: it is not."""
    rules = files.rules
    if not rules.selects(table.name):
        return None
    name = rules.of(table.name).method
    return None if name is None else Method(name, "as it is", rules.replication_key(table.name))


def _free_name(files: ProjectFiles, table: TableName, models: set[str]) -> str:
    """The table's name in the warehouse: one that it was given, or that no other table has."""
    names = files.names
    others = {_name(names, other) for other in files.rules.tables() if other != table}
    return landing_name(table, names, models | others | set(names.given.values()))


def _give_name(files: ProjectFiles, table: TableName, name: str) -> None:
    """Writes down a name that is not the table's own."""
    given = files.names.given
    if str(table) not in given and not is_own(table, name):
        files.set_names({**given, str(table): name})


def _name(names: LandingNames, table: TableName) -> str:
    try:
        return names.of(table)
    except ConfigError:
        return ""
