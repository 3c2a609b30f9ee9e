"""Variables that tell the plugins which tables a run copies, and how. Pure."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tidemark_core.names import LandingNames, TableName
from tidemark_core.runs.progress import EVERY_VARIABLE, WATCHED_SECONDS
from tidemark_core.text.documents import Json
from tidemark_core.types.singer_schema import FULL_TABLE, INCREMENTAL, LOG_BASED

from tidemark.config.files.meltano_files import declarations
from tidemark.config.tables.rules import (
    matches,
    metadata_rule,
    named,
    select_rule,
    split_rule,
    stream_rule,
)


class Strategy(StrEnum):
    """How tables are read; see `tidemark info`."""

    SEQUENTIAL = "sequential"
    INTER_TABLE = "inter-table"
    CHUNKED = "chunked"


@dataclass(frozen=True)
class TableRules:
    """What the metadata rules say of one table; None: nothing.

    Attributes:
        method: Singer's ``replication-method``.
        key: Its ``replication-key``.
        key_properties: Its ``table-key-properties``; empty: the table's own key.
    """

    method: str | None
    key: str | None
    key_properties: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """The project's select and metadata rules for tap-mysql."""

    select: tuple[str, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> Rules:
        """Reads extract/*.meltano.yml."""
        select: list[str] = []
        metadata: dict[str, Json] = {}
        for _, _, plugin in declarations(root, "extract", "tap-mysql"):
            select += plugin.get("select") or []
            metadata |= plugin.get("metadata") or {}
        return cls(tuple(select), metadata)

    def selects(self, table: TableName) -> bool:
        """Whether a rule takes the table in, and none leaves all of it out."""
        parts = [split_rule(rule) for rule in self.select]
        fits = [(negated, column) for negated, stream, column in parts if matches(table, stream)]
        return any(not negated for negated, _ in fits) and (True, "*") not in fits

    def leaves_out(self, table: TableName, column: str) -> bool:
        """Whether a rule leaves a column of the table out."""
        return any(
            negated and matches(table, stream) and fnmatch.fnmatchcase(column, pattern)
            for negated, stream, pattern in map(split_rule, self.select)
        )

    def of(self, table: TableName) -> TableRules:
        """What the metadata rules say of a table; of those that match it, the last one wins."""
        merged: Json = {}
        for pattern, told in self.metadata.items():
            if matches(table, pattern):
                merged = {**merged, **told}
        method, key = merged.get("replication-method"), merged.get("replication-key")
        return TableRules(
            method=None if method is None else str(method),
            key=None if key is None else str(key),
            key_properties=tuple(map(str, merged.get("table-key-properties") or ())),
        )

    def replication_key(self, table: TableName) -> str | None:
        """The replication key by the metadata rules; None: read whole, or by the server's log."""
        told = self.of(table)
        return None if told.method in (FULL_TABLE, LOG_BASED) else told.key

    def method(self, table: TableName) -> str:
        """How the metadata rules have the table read."""
        if self.of(table).method == LOG_BASED:
            return LOG_BASED
        return INCREMENTAL if self.replication_key(table) else FULL_TABLE

    def tables(self) -> list[TableName]:
        """The tables that the select rules name one by one."""
        rules = [split_rule(rule) for rule in self.select]
        tables = [named(stream) for negated, stream, _ in rules if not negated]
        return list(dict.fromkeys(table for table in tables if table is not None))


#: Our variable, and Meltano's, by which it sets the log level of plugins.
_DEBUG = {"DEBUG": "true", "MELTANO_CLI_LOG_LEVEL": "debug"}


@dataclass(frozen=True)
class Options:
    """What an operator asks of one run; None: as the settings say.

    Attributes:
        strategy: BACKUP_STRATEGY.
        max_workers: BACKUP_MAX_WORKERS.
        batch_size: BACKUP_BATCH_SIZE.
        limit: BACKUP_MAX_ROWS.
        debug: Whether everything is logged.
        watched: Whether a person watches its progress.
    """

    strategy: Strategy | None = None
    max_workers: int | None = None
    batch_size: int | None = None
    limit: int | None = None
    debug: bool = False
    watched: bool = False

    def variables(self) -> dict[str, str]:
        given = {
            "BACKUP_STRATEGY": self.strategy,
            "BACKUP_MAX_WORKERS": self.max_workers,
            "BACKUP_BATCH_SIZE": self.batch_size,
            "BACKUP_MAX_ROWS": self.limit,
            EVERY_VARIABLE: WATCHED_SECONDS if self.watched else None,
        }
        found = {name: str(value) for name, value in given.items() if value is not None}
        return found | (_DEBUG if self.debug else {})


def extraction_variables(
    tables: Sequence[TableName],
    rules: Rules,
    whole: Collection[TableName],
    *,
    database: str,
    schemas: Iterable[str] = (),
) -> dict[str, str]:
    """Variables that make tap-mysql read these tables and no others.

    Args:
        tables: What to read; empty: what the project selects.
        rules: The project's.
        whole: Those of them that have no replication key and are read whole each time.
        database: The default database.
        schemas: Further databases that are discovered anyway (DB_SCHEMAS).
    """
    if not tables:
        return {}
    select = [*rules.select]
    select += [select_rule(table) for table in tables if not rules.selects(table)]
    metadata = {pattern: dict(values) for pattern, values in rules.metadata.items()}
    for table in whole:
        metadata[metadata_rule(table)] = {"replication-method": FULL_TABLE}
    further = sorted(({table.schema for table in tables} | set(schemas)) - {database, ""})
    return {
        "TAP_MYSQL__SELECT": json.dumps(select),
        "TAP_MYSQL__SELECT_FILTER": json.dumps([stream_rule(table) for table in tables]),
        "TAP_MYSQL__METADATA": json.dumps(metadata),
        **({"DB_SCHEMAS": json.dumps(further)} if further else {}),
    }


def load_variables(tables: Sequence[TableName]) -> dict[str, str]:
    """Variables that make tap-s3-parquet read these tables and no others."""
    return {"S3_TABLES": json.dumps([str(table) for table in tables])} if tables else {}


def models(root: Path, tables: Iterable[TableName], names: LandingNames) -> list[str]:
    """The dbt models of these tables: a table without one ends in landing."""
    known = {path.stem for path in root.glob("transform/models/**/*.sql")}
    return sorted({names.of(table) for table in tables} & known)
