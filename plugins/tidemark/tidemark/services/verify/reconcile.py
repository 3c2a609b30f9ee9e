"""Looks for rows of the public tables that are gone from MySQL, and for rows that came late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from tidemark_core.errors import ConfigError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import LANDING_SCHEMA, TableName, fold, landing_relation
from tidemark_core.redshift.connection import WarehouseConnection, connect, routed

from tidemark.config.project import Project
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.compare.content.late_rows import Late, LateRows
from tidemark.services.compare.keys.key_difference import differing, public_rows
from tidemark.services.compare.keys.row_keys import RowKey, Window, row_key
from tidemark.services.compare.keys.tombstones import SHOWN, Marking, Marks
from tidemark.services.lake.ledger import columns_of, refuse_other_copy, relation_exists
from tidemark.services.verify.gone_rows import GoneRows
from tidemark.services.verify.verify import read_lake, reading_of
from tidemark.source.mysql import MySQL, open_mysql
from tidemark.source.queries import source_time, table_exists

#: Redshift binds at most 32,767 values per statement.
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Looked:
    """What a look at some tables has shown.

    Attributes:
        markings: What would change, by table.
        late: Rows up to the bookmark that the public table does not have, by table.
        left_out: Tables that could not be looked at, and why.
        at: When it began, by the source's clock.
        by_log: The rows that are gone from tables that are read from the log.
    """

    markings: list[Marking]
    late: list[Late]
    left_out: dict[str, str]
    at: datetime
    _marks: Marks
    by_log: list[GoneRows] = field(default_factory=list)

    def write(self, project: Project, run_id: str) -> None:
        """Marks and unmarks rows; for tables that are read from the log, commits tombstones.

        Args:
            project: Where we are; no job may be at work.
            run_id: The run that looked.

        Raises:
            StateError: A backup of such a table has come in between.
            TidemarkError: The warehouse, or S3, refused; nothing of a table has changed then.
        """
        states = States(project)
        for gone in self.by_log:
            gone.write(project, states, self.at, run_id)
        self._marks.write(self.markings, self.at, run_id)


@contextmanager
def looked_at(project: Project, wanted: Iterable[TableName]) -> Iterator[Looked]:
    """Looks for rows that are gone; the result can be written until this ends.

    Args:
        project: Where we are.
        wanted: Tables; empty: every table of the lake, except those that have no key, no
            public table, or are gone from MySQL.

    Raises:
        ConfigError: A table that was asked for cannot be looked at.
        TidemarkError: A server cannot be reached.
    """
    asked = list(wanted)
    commits = read_lake(project, asked).commits
    marks = States(project).bookmarks(Leg.BACKUP)
    with (
        open_mysql(project.mysql) as mysql,
        routed(project.warehouse),  # one tunnel for both users
        connect(project.reader) as copy,
        connect(project.warehouse) as own,
    ):
        found = Looked([], [], {}, source_time(mysql), Marks(own))
        for table, history in commits.items():
            try:
                key = _key_of(history[-1], project, mysql, copy)
            except ConfigError as error:
                if asked:
                    raise
                found.left_out[str(table)] = error.message
                continue
            window = Window.of(reading_of(history[-1], marks))
            late = LateRows(str(table))
            by_log = history[-1].is_log_based
            gone = GoneRows(history[-1], marks.get(table.stream, {}), key)
            for keys in differing(key, mysql, copy, window):
                if by_log:
                    gone.add(copy, keys.gone)
                else:
                    found._marks.found(table, keys.gone)
                late.add(keys.late, landed(key, copy, list(keys.late)))
            found.late.extend(late.told())
            marking = found._marks.marking(table, public_rows(key, copy))
            if gone.texts:
                found.by_log.append(gone)
                number, first = len(gone.texts), tuple(gone.texts[:SHOWN])
                marking = replace(marking, deleted=number, new=number, first=first)
            found.markings.append(marking)
        yield found


def _key_of(newest: Manifest, project: Project, mysql: MySQL, copy: WarehouseConnection) -> RowKey:
    """The key of a table that both servers have.

    Raises:
        ConfigError: One of them does not have it, or it has no key that can be compared.
    """
    table, schema = newest.table, project.public_schema
    name = project.names.of(table)
    refuse_other_copy(copy, table, name)
    if not relation_exists(copy, schema, name):
        raise ConfigError("there is no public table for it", table=table, hint="meltano run build")
    if not table_exists(mysql, table):
        raise ConfigError(
            "MySQL does not have it, or DB_USER may not read it", table=table, hint="exclude it"
        )
    kept = project.deleted_at.get(str(table)) if newest.is_log_based else None
    if kept is None or fold(kept) not in (columns_of(copy, schema, name) or ()):
        return row_key(newest, schema, name)
    # Rows deleted there have a tombstone already. Elsewhere marks say what is deleted, and
    # public shows them.
    return row_key(newest, schema, name, kept)


def landed(key: RowKey, copy: WarehouseConnection, keys: Sequence[str]) -> set[str]:
    """Which of some keys are in landing."""
    if not keys or not relation_exists(copy, LANDING_SCHEMA, key.name):
        return set()
    table = landing_relation(key.name)
    found: set[str] = set()
    for start in range(0, len(keys), _AT_ONCE):
        page = keys[start : start + _AT_ONCE]
        query = (
            f"SELECT DISTINCT {key.redshift()} FROM {table} "
            f"WHERE {key.redshift()} IN ({', '.join('?' * len(page))})"
        )
        rows = copy.execute(query, page, what="a query for keys in landing", table=key.table)
        found |= {str(text) for (text,) in rows}
    return found
