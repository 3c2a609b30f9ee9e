"""Tables that are not read although they are selected by name or were backed up before."""

from __future__ import annotations

import fnmatch
import json
import logging
import re
from collections.abc import Collection, Iterable, Mapping

from tidemark_core.errors import ConfigError, SourceError, TidemarkError
from tidemark_core.names import TableName

logger = logging.getLogger("tap-mysql.gone")
#: The select rules, as Meltano passes them to the plugins that it starts.
_SELECT, _FILTER = "TAP_MYSQL__SELECT", "TAP_MYSQL__SELECT_FILTER"
_WILDCARD = re.compile(r"[*?\[]")
_DOT = re.compile(r"(?<!\\)\.")


def missing(table: TableName) -> SourceError:
    """The error of a table that is selected but does not exist."""
    return SourceError(
        "the table does not exist, or DB_USER may not read it",
        table=table,
        hint="GRANT SELECT ON it, or remove it from the select rules in "
        "extract/extractors.meltano.yml",
    )


def nothing_selected(catalogued: int, schemas: Collection[str]) -> ConfigError:
    """The error of a run that has no table at all.

    Args:
        catalogued: Tables in the catalog.
        schemas: The databases that are looked at.
    """
    if not catalogued:
        databases = ", ".join(sorted(schemas))
        return ConfigError(
            f"no tables to read in {databases}: it is empty, or DB_USER may not read it",
            hint="correct DB_DATABASE and DB_SCHEMAS, or GRANT SELECT to DB_USER",
        )
    return ConfigError(
        f"no table is selected, out of {catalogued} in the catalog",
        hint="correct the select rules in extract/extractors.meltano.yml, or the filter "
        "(TAP_MYSQL__SELECT_FILTER) that excludes all of them",
    )


def copies_nothing(environ: Mapping[str, str]) -> bool:
    """Whether the project has no select rule at all: it is new, or all its tables were removed.

    If the project says nothing, Meltano's own default is a rule that selects everything.
    """
    try:
        return bool(json.loads(environ.get(_SELECT, "null")) == [])
    except ValueError:
        return False


def undiscovered(
    rules: Iterable[TableName], there: Collection[TableName], schemas: Collection[str]
) -> dict[TableName, TidemarkError]:
    """The errors of what is selected but not in the catalog, though it may be in the source.

    Args:
        rules: Tables and patterns that are not in the catalog.
        there: Which tables are in the source.
        schemas: The databases that are looked at.
    """
    return {
        table: _late(table) if table.schema in schemas else _elsewhere(table)
        for table in rules
        if table in there or (is_pattern(table) and table.schema not in schemas)
    }


def _late(table: TableName) -> SourceError:
    return SourceError(
        "the table is selected, but was created after the catalog",
        table=table,
        hint="run again: the next run's catalog will include it",
    )


def _elsewhere(table: TableName) -> ConfigError:
    return ConfigError(
        f"tables of the database {table.schema} are selected, but it is not in DB_SCHEMAS",
        table=table,
        hint=f'add "{table.schema}" to DB_SCHEMAS, a JSON array, or remove the rule from '
        "extract/extractors.meltano.yml",
    )


def is_pattern(table: TableName) -> bool:
    """Whether the name may match any number of tables."""
    return _WILDCARD.search(table.table) is not None


def selected(environ: Mapping[str, str]) -> set[TableName]:
    """What the select rules name: tables, and patterns of tables of one database.

    A catalog lacks a table that is gone from the source, and a database that is not looked at:
    Meltano builds it from what is there.
    """
    rules, chosen = (_patterns(environ.get(name)) for name in (_SELECT, _FILTER))
    included = [_stream(rule) for rule in rules if not rule.startswith("!")]
    excluded = [_stream(rule) for rule in rules if _is_whole_exclusion(rule)]
    wanted = [_stream(rule) for rule in chosen if not rule.startswith("!")]
    excluded += [_stream(rule) for rule in chosen if rule.startswith("!")]
    found = {
        TableName.from_stream(stream)
        for stream in (*included, *(name for name in wanted if _matches(name, included)))
        if not _matches(stream, excluded) and (not wanted or _matches(stream, wanted))
    }
    return {table for table in found if not _is_any_database(table)}


def _is_any_database(table: TableName) -> bool:
    return bool(_WILDCARD.search(table.schema)) or (not table.schema and is_pattern(table))


def warn_gone(backed_up: Iterable[TableName], there: Collection[TableName]) -> None:
    """Warns of tables that have a bookmark but are no longer in the source."""
    for table in sorted(set(backed_up).difference(there)):
        logger.warning(
            "%s was backed up before, but no longer exists in the source, or DB_USER may no longer "
            "read it; the lake keeps its files. If it was dropped or renamed, its bookmark can be "
            "removed: tidemark watermark reset -t %s", table, table, extra={"table": str(table)},
        )  # fmt: skip


def _patterns(text: str | None) -> list[str]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [str(pattern) for pattern in found] if isinstance(found, list) else []


def _stream(rule: str) -> str:
    return _DOT.split(rule.removeprefix("!"), maxsplit=1)[0].replace("\\.", ".")


def _is_whole_exclusion(rule: str) -> bool:
    return rule.startswith("!") and _DOT.split(rule, maxsplit=1)[1:] in ([], ["*"])


def _matches(stream: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(stream, pattern) for pattern in patterns)
