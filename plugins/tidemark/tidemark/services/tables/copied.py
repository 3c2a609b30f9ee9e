"""What the project copies, table by table, and which of it a command is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tidemark_core.errors import ConfigError
from tidemark_core.names import LandingNames, TableName

from tidemark.services.tables.contract.contract import Contract
from tidemark.services.tables.project_files import ProjectFiles
from tidemark.services.tables.source import fits

#: The tables that are copied, with the contract of each that has one.
Copied = Mapping[TableName, Contract | None]


def copied_tables(files: ProjectFiles) -> Copied:
    """What is copied by name, sorted."""
    contracts = {TableName.parse(name): found for name, found in files.contracts().items()}
    ruled = {str(table): table for table in files.rules.tables()}
    found: dict[TableName, Contract | None] = dict.fromkeys(ruled.values())
    for table, contract in contracts.items():
        # The rules know how to split a name with several dots in it.
        found[ruled.get(str(table), table)] = contract
    return dict(sorted(found.items()))


def chosen(
    copied: Copied, patterns: Iterable[str], database: str, hint: Callable[[str], str]
) -> Copied:
    """The tables that patterns match.

    Args:
        copied: From `copied_tables`.
        patterns: ``schema.table`` with wildcards; a bare name is one of ``database``.
        database: The default database.
        hint: The next step when a pattern matches nothing.

    Raises:
        ConfigError: One of the patterns matches nothing.
    """
    wanted: set[TableName] = set()
    for pattern in patterns:
        fitting = {table for table in copied if fits(table, pattern, database)}
        if not fitting:
            raise ConfigError(f"no table {pattern} is copied", hint=hint(pattern))
        wanted |= fitting
    return {table: contract for table, contract in copied.items() if table in wanted}


def copy_name(table: TableName, contract: Contract | None, names: LandingNames) -> str:
    """What a table's copy is called in landing and in public."""
    return contract.name if contract else names.of(table)
