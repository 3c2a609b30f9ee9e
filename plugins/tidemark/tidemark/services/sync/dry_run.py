"""What a backup would do: asked of the source, touching nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tap_mysql.incremental.window import check_nulls
from tap_mysql.query.sql import count_no_key
from tap_mysql.values.bookmark_facts import value_of
from tap_mysql.values.key_values import Lookback
from tidemark_core.errors import ConfigError, SourceError, TidemarkError
from tidemark_core.names import TableName
from tidemark_core.report_store import read_reports
from tidemark_core.runs.run_report import RunReport
from tidemark_core.text.documents import Json

from tidemark.config.project import Project
from tidemark.config.tables.selection import Rules
from tidemark.services.lake.catalogue import bucket_time
from tidemark.source.mysql import MySQL
from tidemark.source.queries import (
    SourceTable,
    column_type,
    column_types,
    list_tables,
    nth_sql,
    window_sql,
)
from tidemark.terminal.format import parse_time

#: Beyond this many rows the server's estimate is shown in place of a count.
COUNTED_ROWS = 2_000_000
_DAYS_OF_REPORTS = 14
#: An extraction predicts the time of one that is up to this many times as large.
_LIKE = 10


@dataclass(frozen=True)
class Forecast:
    """What a backup of one table would do.

    Attributes:
        table: ``schema.table``.
        replication_key: Its key; None: the table is read whole.
        since: Where it would begin; None: at the beginning.
        until: The greatest key in the source now.
        rows: Rows that would move.
        edge: Rows of the lookback, at the edge of the window, that are read again; they move if
            something else does, or if one of them has changed.
        counted: Whether they were counted; else the server's estimate.
        files: Files that would be written, at least.
        seconds: How long it would take, by the last runs; None: no run of its size to go by.
        error: Why it would fail; then nothing of it would move.
    """

    table: str
    replication_key: str | None
    since: str | None
    until: str | None
    rows: int
    edge: int
    counted: bool
    files: int
    seconds: float | None = None
    error: str | None = None

    @classmethod
    def failed(cls, table: TableName, key: str | None, error: TidemarkError) -> Forecast:
        """The forecast of a table that the backup would refuse."""
        return cls(str(table), key, None, None, 0, 0, counted=False, files=0, error=str(error))


def lower_bound(
    bookmark: Json | None, seconds: int, ids: int, *, local: bool = False
) -> str | int | None:
    """Where the next window begins: the bookmark less the lookback; None: at the beginning.

    Args:
        bookmark: The table's.
        seconds: BACKUP_LOOKBACK_SECONDS.
        ids: BACKUP_LOOKBACK_IDS.
        local: Whether the key may hold local time (a DATETIME).
    """
    value = value_of(bookmark)
    if value is None or isinstance(value, int):
        return None if value is None else value - ids
    moment = parse_time(value).replace(tzinfo=None)
    start = Lookback(seconds, ids, local).before(moment)
    assert isinstance(start, datetime)  # noqa: S101 - a time before a time
    return start.isoformat(sep=" ", timespec="microseconds")


def find_tables(mysql: MySQL, tables: Sequence[TableName]) -> dict[TableName, SourceTable]:
    """All tables that we may see in the databases of these."""
    found: dict[TableName, SourceTable] = {}
    for schema in dict.fromkeys(table.schema for table in tables):
        found |= {known.name: known for known in list_tables(mysql, schema)}
    return found


def require_tables(mysql: MySQL, tables: Sequence[TableName]) -> None:
    """Makes sure that tables are in the source.

    Raises:
        ConfigError: One of them is not there, or DB_USER may not see it.
    """
    found = find_tables(mysql, tables)
    for table in tables:
        if table not in found:
            near = ", ".join(str(name) for name in found if name.schema == table.schema)
            raise ConfigError(
                "MySQL has no such table, or DB_USER may not read it",
                table=table,
                hint=f"choose one of: {near}"
                if near
                else "DB_USER cannot see any table in that database",
            )


def check_keys(mysql: MySQL, table: TableName, key: str, policy: str) -> int:
    """Refuses what a backup would refuse: rows without a replication key, or no such column.

    Args:
        mysql: The source.
        table: The table.
        key: Its replication key.
        policy: BACKUP_NULL_KEYS.

    Returns:
        Rows without one, which a backup reads.

    Raises:
        SourceError: There are some, and the policy is to refuse them; or the key is gone.
    """
    kind = column_type(mysql, table, key).lower()
    if not kind:
        raise SourceError(
            f"it was backed up by {key}, but that column no longer exists",
            table=table,
            column=key,
            hint="name another replication-key under metadata in extract/extractors.meltano.yml, "
            f"then: tidemark watermark reset -t {table}",
        )
    keyless = mysql.number(count_no_key(table, key, kind).replace("%", "%%"))
    check_nulls(table, key, kind, keyless, policy)
    return keyless


def keys_of(
    mysql: MySQL, tables: Sequence[TableName], rules: Rules, marks: Mapping[str, Json]
) -> dict[TableName, str | None]:
    """The replication key of each table; None where the configured one is not a column of it.

    A table that was backed up by its key keeps it, as does one that is gone: the backup says so.

    Args:
        mysql: The source.
        tables: The tables.
        rules: The project's.
        marks: The backup's bookmarks, by stream.
    """
    found: dict[TableName, str | None] = {}
    for table in tables:
        key = rules.replication_key(table)
        is_known = key is not None and (marks.get(table.stream) or {}).get("replication_key") == key
        is_there = key and (column_type(mysql, table, key) or not column_types(mysql, table))
        found[table] = key if is_known or is_there else None
    return found


def forecast(
    mysql: MySQL,
    table: SourceTable,
    key: str | None,
    bookmark: Json | None,
    since: str | int | None,
    *,
    batch_size: int,
    limit: int,
    recent: Sequence[Extraction] | None,
    keyless: int = 0,
) -> Forecast:
    """Asks the source what a backup of a table would read.

    Args:
        mysql: The source.
        table: The table.
        key: Its replication key.
        bookmark: The table's.
        since: From `lower_bound`.
        batch_size: Rows of a file.
        limit: New rows of a run; 0: all.
        recent: What the last runs took; None: not wanted.
        keyless: Rows without a replication key that are read, too, whenever something is.
    """
    since = None if key is None else since
    value = value_of(bookmark)
    beyond = value.replace("T", " ") if isinstance(value, str) else value
    end = _end_of_part(mysql, table.name, key, beyond, limit)
    counted = since is not None or end is not None or table.rows <= COUNTED_ROWS
    rows, new, until = table.rows, table.rows, None
    if counted:
        values = [] if since is None else [beyond, since]
        query = window_sql(table.name, key, bounded=bool(values), ended=end is not None)
        rows, new, until = mysql.row(query, values + ([] if end is None else [end]))
        rows += keyless if values else 0
    moving = int(rows) if int(new) else 0
    return Forecast(
        table=str(table.name),
        replication_key=key,
        since=None if since is None else str(since),
        until=None if until is None else str(until),
        rows=moving,
        edge=int(rows) - int(new),
        counted=counted,
        files=-(-moving // batch_size),
        seconds=seconds_for(str(table.name), moving, recent) if recent else None,
    )


def _end_of_part(
    mysql: MySQL, table: TableName, key: str | None, beyond: str | int | None, limit: int
) -> Any:
    """The key with which a limited run ends; None: it reads all that is new."""
    if not limit or key is None:
        return None
    query = nth_sql(table, key, limit, bounded=beyond is not None)
    found = mysql.rows(query, [] if beyond is None else [beyond])
    return found[0][0] if found else None


@dataclass(frozen=True)
class Extraction:
    """What one run read of a table: rows, and the seconds that it took."""

    table: str
    rows: int
    seconds: float


def extractions(reports: Sequence[RunReport]) -> list[Extraction]:
    """Every extraction that moved rows."""
    found = []
    for report in reports:
        for leg in report.legs:
            if leg.leg != "extract":
                continue
            for table in leg.tables:
                seconds = sum(table.steps.values()) or leg.seconds
                if table.rows and seconds:
                    found.append(Extraction(table.table, table.rows, seconds))
    return found


def seconds_for(table: str, rows: int, known: Iterable[Extraction]) -> float | None:
    """How long reading some rows takes.

    Extractions are weighted by their rows (least squares through zero): a night of a hundred rows
    is mostly waiting, and says little about a million. Those of other tables count when the
    table's own were all much smaller.

    Args:
        table: ``schema.table``.
        rows: Rows that would move.
        known: Recent extractions.

    Returns:
        Seconds; None when nothing of that size was ever read.
    """
    every = list(known)
    for some in ([one for one in every if one.table == table], every):
        if some and rows <= _LIKE * max(one.rows for one in some):
            square = sum(one.rows**2 for one in some)
            return round(rows * sum(one.rows * one.seconds for one in some) / square, 1)
    return None


def read_extractions(project: Project) -> list[Extraction]:
    """The extractions of the last two weeks; empty when the reports cannot be read."""
    try:
        today = bucket_time(project).date()
        first = today - timedelta(days=_DAYS_OF_REPORTS)
        return extractions(read_reports(project.location, first, today))
    except TidemarkError:
        return []
