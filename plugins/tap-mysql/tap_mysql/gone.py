"""Tables that should be in the source and are not: selected by name, or backed up before."""

from __future__ import annotations

import fnmatch
import json
import logging
import re
from collections.abc import Collection, Iterable, Mapping

from tidemark_core.errors import SourceError
from tidemark_core.names import TableName

logger = logging.getLogger("tap-mysql.gone")
#: The select rules, as Meltano tells the plugins that it starts.
_SELECT, _FILTER = "TAP_MYSQL__SELECT", "TAP_MYSQL__SELECT_FILTER"
_WILDCARD = re.compile(r"[*?\[]")
_DOT = re.compile(r"(?<!\\)\.")


def missing(table: TableName) -> SourceError:
    """The error of a table that is selected and is not there."""
    return SourceError(
        "the table does not exist, or DB_USER may not read it",
        table=table,
        hint="GRANT SELECT ON it, or take it out of the select rules in "
        "extract/extractors.meltano.yml",
    )


def selected_by_name(environ: Mapping[str, str]) -> set[TableName]:
    """The tables that the select rules name without a wildcard.

    A catalog has none of them that is gone from the source: Meltano makes it of what is there.
    """
    rules, chosen = (_patterns(environ.get(name)) for name in (_SELECT, _FILTER))
    included = [_stream(rule) for rule in rules if not rule.startswith("!")]
    excluded = [_stream(rule) for rule in rules if _is_whole_exclusion(rule)]
    wanted = [_stream(rule) for rule in chosen if not rule.startswith("!")]
    excluded += [_stream(rule) for rule in chosen if rule.startswith("!")]
    return {
        TableName.from_stream(stream)
        for stream in included
        if not _WILDCARD.search(stream)
        and not _matches(stream, excluded)
        and (not wanted or _matches(stream, wanted))
    }


def warn_gone(backed_up: Iterable[TableName], there: Collection[TableName]) -> None:
    """Names the tables that have a bookmark and are in the source no more."""
    for table in sorted(set(backed_up).difference(there)):
        logger.warning(
            "%s was backed up before and is gone from the source, or DB_USER may not read it any "
            "more; the lake keeps what it has. If it was dropped or renamed, its bookmark can go: "
            "tidemark watermark reset -t %s", table, table, extra={"table": str(table)},
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
