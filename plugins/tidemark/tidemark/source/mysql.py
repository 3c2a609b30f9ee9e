"""MySQL for the command line: the tap's own session, through the tunnel and read only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

from mysql_binlog import Position, Problem
from tap_mysql.binlog.log import cascades, end_of_log, problems, retention, unlogged
from tap_mysql.source.discovery import discover
from tap_mysql.source.schema import Table
from tap_mysql.source.session.connection import Login, Session, Source
from tap_mysql.source.settings import TIMEOUT_SECONDS, MySQLSettings
from tidemark_core.names import TableName
from tidemark_core.ssh.tunnel import open_endpoint


class MySQL:
    """A session; queries only."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs a query.

        Args:
            sql: With ``%s`` for each value; a plain ``%`` is doubled (`tidemark.source.quoting`).
            values: Bound by the driver.

        Raises:
            SourceError: The server refused it or went away.
        """
        # Without values the driver takes the text as it is.
        return self._session.rows(sql if values else sql % (), tuple(values))

    def row(self, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...]:
        """Runs a query that has exactly one row."""
        (found,) = self.rows(sql, values)
        return found

    def number(self, sql: str, values: Sequence[object] = ()) -> int:
        """Runs a query that has exactly one integer."""
        return int(self.row(sql, values)[0])

    def planned_rows(self, query: str) -> int:
        """Rows that the server expects to look at in the largest step of its plan for a query."""
        return max((int(step["rows"] or 0) for step in self._session.plan(query)), default=0)

    def tables(self, schemas: Iterable[str]) -> dict[TableName, Table]:
        """What the tap discovers in some databases: tables, views, columns and keys."""
        return discover(self._session, schemas)

    def log_problems(self) -> list[Problem]:
        """What keeps the server's log from being read, or soon may."""
        return problems(self._session)

    def unlogged(self, tables: Iterable[TableName]) -> dict[TableName, Problem]:
        """Tables whose database the server leaves out of its log, with the reason."""
        return unlogged(self._session, tables)

    def log_files(self) -> dict[str, int]:
        """The files of the server's log, with their sizes in bytes."""
        return {str(row[0]): int(row[1]) for row in self.rows("SHOW BINARY LOGS")}

    def log_retention(self) -> timedelta | None:
        """For how long the server keeps its log, on RDS by RDS' own setting; None: for ever."""
        seconds = retention(self._session).seconds
        return None if seconds is None else timedelta(seconds=seconds)

    def log_end(self) -> Position:
        """Where the server's log ends."""
        return end_of_log(self._session)

    def cascades(self, tables: Iterable[TableName]) -> dict[TableName, tuple[TableName, ...]]:
        """The parents of tables whose rows change with those of others."""
        return cascades(self._session, tables)


@contextmanager
def open_source(
    settings: MySQLSettings, timeout: int = TIMEOUT_SECONDS.default
) -> Iterator[Source]:
    """Connects to MySQL, through the bastion if one is set.

    Args:
        settings: Where MySQL is, and who logs in.
        timeout: Seconds without an answer after which a query is given up.

    Raises:
        TunnelError: The bastion cannot be reached.
    """
    with (
        open_endpoint(settings.bastion, settings.db_host, settings.db_port) as endpoint,
        closing(Source(Login.of(settings), endpoint, timeout)) as source,
    ):
        yield source


@contextmanager
def open_mysql(settings: MySQLSettings) -> Iterator[MySQL]:
    """Connects to MySQL, through the bastion if one is set, with TLS if that is asked for.

    Args:
        settings: Where MySQL is, and who logs in.

    Raises:
        TunnelError: The bastion cannot be reached.
        SourceError: MySQL cannot be reached or refuses the login.
    """
    with open_source(settings) as source, source.session() as session:
        yield MySQL(session)
