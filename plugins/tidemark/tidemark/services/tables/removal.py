"""`tidemark remove`: what of the project goes with a table, and what still needs it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tidemark_core.errors import ConfigError
from tidemark_core.host.walk import walk_files
from tidemark_core.names import TableName, quote_redshift

from tidemark.config.project import Project
from tidemark.config.tables.schemas import further_schemas
from tidemark.dbt.buildstate import state_schema
from tidemark.dbt.source import inputs
from tidemark.services.tables.contract.contract import Contract
from tidemark.services.tables.copied import chosen, copied_tables, copy_name
from tidemark.services.tables.project_files import ProjectFiles
from tidemark.services.tables.schemas import keep_schemas
from tidemark.services.tables.source import fits

#: The example that the project comes with: its database, and the folders that are its own.
EXAMPLE = "settlement"
#: What dbt remembers of a table, beside it (transform/macros/loads/state.sql).
STATES = ("loads", "versions")
_REF = re.compile(r"""\b(?:ref|source)\(\s*(?:['"]\w+['"]\s*,\s*)?['"](?P<name>\w+)['"]""")
_READ = frozenset({".sql", ".yml", ".yaml", ".md"})


@dataclass(frozen=True)
class Removal:
    """What a command is about to do.

    Attributes:
        tables: Which are no longer copied, with the names of their copies.
        with_example: Whether the whole example goes with them.
        to_set: A setting that has to be set outside our files.
    """

    tables: dict[TableName, str]
    with_example: bool = False
    to_set: str | None = None


def plan_removal(
    project: Project, files: ProjectFiles, patterns: Sequence[str], left_out: Sequence[str]
) -> Removal:
    """Works out what goes; nothing is written yet.

    Raises:
        ConfigError: A pattern matches nothing, or something else still reads a table.
    """
    database, copied = project.database, copied_tables(files)
    known = ", ".join(map(str, copied))
    hint = f"choose one of: {known}" if known else "no table is copied: tidemark add TABLE"
    wanted = {
        table: contract
        for table, contract in chosen(copied, patterns, database, lambda _: hint).items()
        if not any(fits(table, pattern, database) for pattern in left_out)
    }
    left = [table for table in copied if table not in wanted]
    if not wanted:
        raise ConfigError("--except leaves nothing to remove", hint="tidemark tables")
    gone = set(_contract_files(files, wanted.values()))
    is_last = EXAMPLE in {table.schema for table in wanted} - {table.schema for table in left}
    example = set(_example_files(files.root)) if is_last else set()
    gone |= example
    names = {table: copy_name(table, contract, files.names) for table, contract in wanted.items()}
    _refuse_used(files.root, gone)
    for path in sorted(gone):
        files.changes.write(path, None)
    files.deselect(wanted, left)
    given = files.names.given
    files.set_names({name: own for name, own in given.items() if name not in map(str, wanted)})
    schemas = further_schemas(project.environ) - {table.schema for table in wanted}
    schemas |= {table.schema for table in left}
    return Removal(names, bool(example), keep_schemas(project, files, schemas))


def _contract_files(files: ProjectFiles, contracts: Iterable[Contract | None]) -> Iterator[Path]:
    for contract in contracts:
        if contract is None:
            continue
        if contract.models > 1:
            raise ConfigError(
                f"{contract.path} contains more than the contract of {contract.name}",
                hint=f"move the other models out of {contract.path}, or take this one out by hand",
            )
        path = files.root / contract.path
        yield path
        yield path.with_name(f"{contract.name}.sql")


def _example_files(root: Path) -> Iterator[Path]:
    """All files of the folders that are the example's own."""
    project = root / "transform"
    for path in inputs(project):
        if EXAMPLE in path.relative_to(project).parent.parts:
            yield path
    yield from walk_files(root / "docs" / EXAMPLE)


def _refuse_used(root: Path, gone: Collection[Path]) -> None:
    """Stops where a file that stays reads a model that goes.

    Raises:
        ConfigError: There are such files; all of them are named.
    """
    models = {path.stem for path in gone if path.suffix == ".sql"}
    users = sorted(
        f"{path.relative_to(root)} ({', '.join(sorted(read & models))})"
        for path in inputs(root / "transform")
        if path.suffix in _READ and path not in gone and (read := _reads(path)) & models
    )
    if users:
        whole = any(f"/{EXAMPLE}/" in user for user in users)
        hint = (
            f"the example can only be removed as a whole: tidemark remove '{EXAMPLE}.*'"
            if whole
            else None
        )
        raise ConfigError(
            f"nothing was changed: {', '.join(users)} still read what would be removed",
            hint=hint or "remove them first, or change what they read",
        )


def _reads(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return {found["name"] for found in _REF.finditer(text)}


@dataclass(frozen=True)
class Left:
    """What is left of a table that is no longer copied.

    Attributes:
        table: ``schema.table``.
        files: The folder of its files in the lake.
        landing: Its loads in the warehouse.
        public: What dbt has made of them.
        delete: What deletes all of it: commands, then SQL for the warehouse.
    """

    table: str
    files: str
    landing: str
    public: str
    delete: tuple[str, ...]


def what_stays(project: Project, plan: Removal) -> list[Left]:
    """What is left of the tables, and how it is deleted. Nothing is looked at."""
    schema = project.public_schema
    state = state_schema(schema)
    return [
        Left(
            str(table),
            f"s3://{project.bucket}/{project.layout.incremental}{table.lake}/",
            f"landing.{name}",
            f"{schema}.{name}",
            (
                f"tidemark s3clean clean -t {table} --older-than 1m",
                f"tidemark watermark reset -t {table}",
                f"DROP TABLE IF EXISTS landing.{quote_redshift(name)}",
                f"DROP TABLE IF EXISTS {schema}.{quote_redshift(name)}",
                *(
                    f"DROP TABLE IF EXISTS {state}.{quote_redshift(f'{name}__{kind}')}"
                    for kind in STATES
                ),
            ),
        )
        for table, name in plan.tables.items()
    ]
