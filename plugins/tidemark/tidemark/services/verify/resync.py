"""Repairs a table that is read from the log, but of which the log no longer has every change.

The log's end is noted first. Then the rows of MySQL are compared with the public table's, and the
bookmark gets that position and the keys that differ, all at once. The backup that follows reads the
rows of these keys, writes tombstones for keys without a row, and continues after the position; so
what changes meanwhile is read too. A run that ends before the bookmark is written has changed
nothing, and after one that ends later only a backup is left to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tap_mysql.binlog.bookmark import LogBookmark, LogIdentity
from tap_mysql.binlog.errors import anew
from tap_mysql.binlog.shapes import shapes
from tap_mysql.query.sql import Key
from tap_mysql.values.bookmark_facts import Reading, place_of
from tap_mysql.values.own_part import OWN
from tidemark_core.errors import ConfigError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName, fold
from tidemark_core.redshift.connection import WarehouseConnection, connect
from tidemark_core.text.documents import Json
from tidemark_core.types.singer_schema import LOG_BASED
from tidemark_core.types.super_columns import SuperColumns

from tidemark.config.project import Project
from tidemark.config.tables.selection import Rules
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.compare.content.comparison import Comparison
from tidemark.services.compare.content.eligibility import PUBLIC, comparisons
from tidemark.services.compare.content.ranges import differing_rows
from tidemark.services.compare.keys.key_values import copied_keys, source_keys
from tidemark.services.compare.keys.row_keys import RowKey
from tidemark.services.verify.verify import facts_of, read_lake
from tidemark.source.mysql import MySQL, open_mysql
from tidemark.source.queries import column_types, source_time

#: Keys that a bookmark may hold: what the backup has in memory at once.
_MOST = 200_000


@dataclass(frozen=True)
class Resync:
    """What repairs a table.

    Attributes:
        table: ``schema.table``.
        old: Where it stood in the log.
        new: Where it will stand.
        missing: Rows that only MySQL has.
        extra: Rows that only the public table has.
        changed: Rows that both have, with other values.
    """

    table: str
    old: str | None
    new: str
    missing: int
    extra: int
    changed: int


def refuse_other_methods(project: Project, table: TableName) -> None:
    """Makes sure that a table is read from the log.

    Raises:
        ConfigError: It is not.
    """
    if Rules.read(project.root).method(table) != LOG_BASED:
        raise ConfigError(
            "it is not read from MySQL's binary log, so it cannot have a gap",
            table=table,
            hint=f"tidemark reconcile -t {table} shows what differs, and how to read it again",
        )


def resync(project: Project, table: TableName, *, write: bool) -> Resync:
    """Compares a table, and sets its bookmark to the log's end and the keys that differ.

    Args:
        project: Where we are; the lease of jobs is held, and the lake's files are loaded and built.
        table: The table.
        write: Whether the bookmark is written.

    Raises:
        ConfigError: The rows cannot be compared, or too many differ.
        StateError: The bookmark is damaged, or of another key.
        TidemarkError: A server cannot be reached.
    """
    states, newest = States(project), read_lake(project, [table]).commits[table][-1]
    mark = states.bookmarks(Leg.BACKUP).get(table.stream, {})
    identity = LogIdentity(table, newest.key_properties)
    before = _bookmark(identity, mark)
    with open_mysql(project.mysql) as mysql, connect(project.reader) as copy:
        position, now = mysql.log_end(), source_time(mysql)
        looked = mysql.tables([table.schema]).get(table)
        names = project.public_schema, project.names.of(table)
        kept = project.deleted_at.get(str(table))
        what, key = _comparison(newest, *names, mysql, copy, kept, project.super_columns)
        found = _Found([], 0, 0, 0)
        for keys in _differing(what, key, mysql, copy):
            found = found + keys
            if len(found.keys) > _MOST:
                raise _too_many(table)
    after = replace(
        before,
        position=position,
        read_at=before.next_reading(now.replace(tzinfo=None)),
        shapes={} if looked is None else shapes(looked.columns),
        again=tuple(dict.fromkeys([*before.again, *found.keys])),
    )
    written = identity.write(after)
    if write:
        states.write(Leg.BACKUP, table, written)
    old, new = place_of(mark), place_of(written)
    return Resync(
        str(table), None if old is None else str(old), str(new), found.missing, found.extra,
        found.changed,
    )  # fmt: skip


def _bookmark(identity: LogIdentity, mark: Json) -> LogBookmark:
    table = identity.table
    if OWN not in mark:
        hint = f"tidemark sync -t {table}"
        raise ConfigError("it was never backed up", table=table, hint=hint)
    found = identity.read(mark)
    if found is None or found.left:
        raise ConfigError(
            "its first load is not finished, so there is no gap to repair",
            table=table,
            hint=f"tidemark sync -t {table}; if that fails: {anew(table)}",
        )
    return found


def _comparison(
    newest: Manifest,
    schema: str,
    name: str,
    mysql: MySQL,
    copy: WarehouseConnection,
    deleted_at: str | None,
    super_columns: SuperColumns,
) -> tuple[Comparison, RowKey]:
    """What is compared: all columns that both have, of the public table's live rows.

    Raises:
        ConfigError: A difference might not be seen.
    """
    table, types = newest.table, column_types(mysql, newest.table)
    facts = facts_of(
        newest,
        schema,
        name,
        Reading(),
        types,
        copy,
        retired=True,
        has_marks=False,
        deleted_at=deleted_at,
        super_columns=super_columns,
    )
    if facts.public is None:
        raise ConfigError("there is no public table to compare it with", table=table,
                          hint=f"tidemark add {table}; or {anew(table)}")  # fmt: skip
    lacking = [
        name for name in newest.columns if name in facts.source and fold(name) not in facts.public
    ]
    if lacking:
        raise ConfigError(
            f"{name} does not have {', '.join(lacking)}, so differences there would not be "
            "detected",
            table=table,
            hint=f"tidemark add {table} adds it to the contract, and meltano run build to the "
            f"table; or {anew(table)}",
        )
    chosen, left = comparisons(facts)
    alone = {f"column {column}" for column in facts.source.keys() ^ newest.columns.keys()}
    unseen = [f"{each.what}: {each.why}" for each in left if each.what not in alone]
    what = next((one for one in chosen if one.copy == PUBLIC), None)
    if unseen or what is None or what.key is None:
        why = "; ".join(unseen) or "it has no key that both servers format in the same way"
        raise ConfigError(f"its rows cannot be compared: {why}", table=table, hint=anew(table))
    return what, what.key


@dataclass(frozen=True)
class _Found:
    keys: list[Key]
    missing: int
    extra: int
    changed: int

    def __add__(self, other: _Found) -> _Found:
        return _Found(
            self.keys + other.keys,
            self.missing + other.missing,
            self.extra + other.extra,
            self.changed + other.changed,
        )


def _differing(
    what: Comparison, key: RowKey, mysql: MySQL, copy: WarehouseConnection
) -> Iterator[_Found]:
    for part, rows in differing_rows(what, key, mysql, copy):
        keys = [*source_keys(mysql, key, part, [*rows.missing, *rows.changed])]
        keys += copied_keys(copy, key, rows.extra)
        yield _Found(keys, len(rows.missing), len(rows.extra), len(rows.changed))


def _too_many(table: TableName) -> ConfigError:
    return ConfigError(f"more than {_MOST:,} of its rows differ", table=table, hint=anew(table))
