"""The binary log of the source: where it ends, whether it can be read, what has changed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

import mysql_binlog
from mysql_binlog import Batch, BinlogError, KeyColumns, Position, Problem, WrongKey, key_columns
from tidemark_core.errors import SourceError
from tidemark_core.names import TableName

from tap_mysql.binlog.retention import Retention
from tap_mysql.source.session.connection import Session, Source
from tap_mysql.source.session.server_identity import Server, identify

#: Of the server ids that a replica may have, those that people do not choose.
_SERVER_IDS = (2**31, 2**32 - 1)
_CASCADES = """
SELECT constraint_schema, table_name, unique_constraint_schema, referenced_table_name
FROM information_schema.referential_constraints
WHERE delete_rule IN ('CASCADE', 'SET NULL') OR update_rule IN ('CASCADE', 'SET NULL')
ORDER BY constraint_schema, table_name, constraint_name
"""


@dataclass(frozen=True)
class Moment:
    """What a server's log and its clock said at one time.

    Attributes:
        position: Where the log ended.
        now: The clock, UTC.
        server: Whose both are.
    """

    position: Position
    now: datetime
    server: Server


@dataclass
class Log:
    """The log of a server.

    Attributes:
        source: The server.
        server_id: The server id under which the log is requested; no replica may have it.
    """

    source: Source
    server_id: int = field(default_factory=lambda: random.randrange(*_SERVER_IDS))  # noqa: S311

    def moment(self) -> Moment:
        """Where the log ends now.

        A query that begins after this returns sees every transaction before it, except those that
        come again when the log is read from there.

        Raises:
            SourceError: The server is unreachable, or the end cannot be determined.
        """
        with self.source.session() as session:
            return Moment(end_of_log(session), session.now(), identify(session))

    def problems(self) -> list[Problem]:
        """What keeps the log from being read, or soon may."""
        with self.source.session() as session:
            return problems(session)

    def unlogged(self, tables: Iterable[TableName]) -> dict[TableName, Problem]:
        """Tables whose database the server leaves out of its log, with the reason."""
        with self.source.session() as session:
            return unlogged(session, tables)

    def retention(self) -> Retention:
        """How long the log is kept."""
        with self.source.session() as session:
            return retention(session)

    def cascades(self, tables: Iterable[TableName]) -> dict[TableName, tuple[TableName, ...]]:
        """The parents of tables whose rows change with those of others."""
        with self.source.session() as session:
            return cascades(session, tables)

    def columns(self, tables: Mapping[TableName, tuple[str, ...]]) -> dict[TableName, KeyColumns]:
        """The columns that tables have now; a table that is gone, or has lost its key, is left out.

        Args:
            tables: Their keys, by table.
        """
        found = {}
        with self.source.session() as session:
            for table, key in tables.items():
                with suppress(WrongKey):
                    name = (table.schema, table.table)
                    found[table] = key_columns(session.connection, name, key)
        return found

    def changes(
        self, since: Position, until: Position, tables: Mapping[TableName, KeyColumns]
    ) -> Iterator[Batch]:
        """The keys that have changed between two positions.

        Raises:
            BinlogError: Not all of them are available.
        """
        named = {(table.schema, table.table): columns for table, columns in tables.items()}
        return mysql_binlog.read_changes(
            self.source.connect, since, until, named, server_id=self.server_id
        )


def end_of_log(session: Session) -> Position:
    """Where the log ends.

    Raises:
        SourceError: It cannot be determined.
    """
    try:
        return mysql_binlog.current_position(session.connection)
    except BinlogError as error:
        raise SourceError(
            f"cannot determine the end of the server's log: {error}", hint="tidemark doctor"
        ) from error


def retention(session: Session) -> Retention:
    """How long the log is kept."""
    return Retention(mysql_binlog.log_retention(session.connection), session.now())


def problems(session: Session) -> list[Problem]:
    """What keeps the log from being read, or soon may."""
    return mysql_binlog.check_log(session.connection)


def unlogged(session: Session, tables: Iterable[TableName]) -> dict[TableName, Problem]:
    """Tables whose database the server leaves out of its log, with the reason."""
    wanted = list(tables)
    if not wanted:
        return {}
    found = mysql_binlog.unlogged(session.connection, {table.schema for table in wanted})
    return {table: found[table.schema] for table in wanted if table.schema in found}


def cascades(
    session: Session, tables: Iterable[TableName]
) -> dict[TableName, tuple[TableName, ...]]:
    """The parents of tables whose rows change with those of others, by a foreign key.

    Before MySQL 9.6 the engine makes these changes itself, and they are not in the log.
    """
    wanted = set(tables)
    found: dict[TableName, tuple[TableName, ...]] = {}
    for schema, child, other, parent in session.rows(_CASCADES):
        name = TableName(schema, child)
        if name in wanted:
            found[name] = (*found.get(name, ()), TableName(other, parent))
    return found


def only(source: Source, server: Server) -> Source:
    """The source, restricted to one server."""
    return replace(source, server=server)
