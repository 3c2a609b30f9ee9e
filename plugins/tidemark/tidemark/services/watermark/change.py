"""What a change of a watermark would be: decided here, shown to the operator, then written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tap_mysql.values.bookmark_facts import log_place, place_of, positioned, set_by_hand
from tidemark_core.errors import ConfigError, SourceError
from tidemark_core.names import TableName
from tidemark_core.text.documents import Json

from tidemark.config.project import Project
from tidemark.config.tables.selection import Rules
from tidemark.services.bookmarks.bookmark import Leg, id_value, timestamp_value
from tidemark.services.bookmarks.load_bookmark import describe, extraction_of, since
from tidemark.services.bookmarks.replication_key import (
    ReplicationKey,
    key_of_type,
    known_key,
)
from tidemark.services.bookmarks.store import States
from tidemark.services.lake.catalogue import bucket_time
from tidemark.services.lake.listing import read_manifests
from tidemark.source.mysql import open_mysql
from tidemark.source.queries import column_type, greatest, table_exists
from tidemark.terminal.format import parse_time

#: A log file begins with four bytes that are not an event.
_FIRST = 4


@dataclass(frozen=True)
class Change:
    """One bookmark before and after.

    Attributes:
        leg: Whose state.
        table: Whose bookmark.
        old: For people.
        new: For people.
        bookmark: The new one; None removes it.
    """

    leg: Leg
    table: TableName
    old: str
    new: str
    bookmark: Json | None

    def __str__(self) -> str:
        return f"{self.table}, {self.leg}: {self.old} → {self.new}"


def plan_set(
    project: Project, table: TableName, timestamp: str | None, number: int | None
) -> list[Change]:
    """The changes that set a table's watermark.

    Args:
        project: Where we are.
        table: The table.
        timestamp: For keys that are times.
        number: For keys that are ids.

    Raises:
        ConfigError: The table is unknown, the value does not fit its key, or is in the future.
    """
    states, now = States(project), bucket_time(project)
    before = states.bookmarks(Leg.BACKUP).get(table.stream)
    manifests = read_manifests(project.location, [table], client=project.s3).get(table, [])
    key = known_key(before, manifests[-1] if manifests else None) or _ask(project, table)
    if key.is_time != (timestamp is not None):
        kind, option = ("times", "--timestamp") if key.is_time else ("ids", "--id")
        raise ConfigError(
            f"the replication key holds {kind}", table=table, column=key.column,
            hint=f"use {option}",
        )  # fmt: skip
    value: str | int
    if timestamp is not None:
        value = timestamp_value(timestamp, now=now)
    else:
        assert number is not None  # noqa: S101 - one of the two is given
        value = id_value(number, greatest=_greatest(project, table, key))
    bookmark = set_by_hand(table, key.column, value, before, now=now)
    changes = [Change(Leg.BACKUP, table, _text(before), f"{value} (by hand)", bookmark)]
    start = parse_time(timestamp) if timestamp else extraction_of(int(value), manifests)
    if start is not None:
        old, mark = states.bookmarks(Leg.LOAD).get(table.stream), since(start)
        changes.append(Change(Leg.LOAD, table, describe(old), describe(mark), mark))
    return changes


def plan_set_position(project: Project, table: TableName, text: str) -> list[Change]:
    """The change that sets a place in the server's log.

    Args:
        project: Where we are.
        table: A table that is read from the log.
        text: ``file:offset``, between two transactions.

    Raises:
        ConfigError: The table is not read from the log, its first load is not done, or the log does
            not have the place.
        SourceError: MySQL cannot be asked.
    """
    states, now = States(project), bucket_time(project)
    before = states.bookmarks(Leg.BACKUP).get(table.stream)
    if before is None or log_place(before) is None:
        raise ConfigError(
            "the table is not read from MySQL's binary log, or its first load is not finished",
            table=table,
            hint="tidemark watermark list",
        )  # fmt: skip
    file, _, offset = text.rpartition(":")
    with open_mysql(project.mysql) as mysql:
        files, server = mysql.log_files(), mysql.log_end()
    if not offset.isdecimal() or not _FIRST <= int(offset) <= files.get(file, 0):
        known = ", ".join(f"{name} to {size}" for name, size in files.items())
        raise ConfigError(
            f"{text!r} is not a position in the log; the bookmark was not changed", table=table,
            hint=f"the log has {known}",
        )  # fmt: skip
    # Without GTIDs it is the place that counts.
    place = replace(server, file=file, offset=int(offset), gtid="", created=0)
    bookmark = positioned(before, place.to_json(), now=now)
    return [Change(Leg.BACKUP, table, _text(before), f"{text} (by hand)", bookmark)]


def plan_reset(project: Project, table: TableName, legs: Iterable[Leg]) -> list[Change]:
    """The changes that make a table start afresh.

    Raises:
        ConfigError: There is nothing to reset.
    """
    states = States(project)
    changes = []
    for leg in legs:
        before = states.bookmarks(leg).get(table.stream)
        if before is not None:
            old = _text(before) if leg is Leg.BACKUP else describe(before)
            changes.append(Change(leg, table, old, "none: starts from the beginning", None))
    if not changes:
        raise ConfigError(
            "there is no bookmark to reset", table=table, hint="tidemark watermark list"
        )
    return changes


def _text(bookmark: Json | None) -> str:
    value = place_of(bookmark)
    return "nothing yet" if value is None else str(value)


def _ask(project: Project, table: TableName) -> ReplicationKey:
    """The key of a table that no run has touched: as configured, and as the source has it."""
    column = Rules.read(project.root).replication_key(table)
    with open_mysql(project.mysql) as mysql:
        if not table_exists(mysql, table):
            raise ConfigError(
                "MySQL has no such table", table=table, hint="tidemark watermark list"
            )
        if column is None:
            raise ConfigError(
                "the table has no replication key, so it has no watermark", table=table,
                hint="give it one under metadata in extract/extractors.meltano.yml",
            )  # fmt: skip
        return key_of_type(column, column_type(mysql, table, column), table)


def _greatest(project: Project, table: TableName, key: ReplicationKey) -> int | None:
    with open_mysql(project.mysql) as mysql:
        try:
            found = greatest(mysql, table, key.column)
        except SourceError as error:
            raise ConfigError(
                f"could not query the greatest id in MySQL: {error.message}", table=table
            ) from error
    return None if found is None else int(found)
