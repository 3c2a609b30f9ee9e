"""A database whose log is read, and short words for reading it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pymysql
import pytest
from mysql_binlog import (
    Batch,
    Key,
    KeyColumns,
    Position,
    current_position,
    key_columns,
    read_changes,
)
from tidemark_sandbox.settings.accounts import account_name
from tidemark_sandbox.world import Sandbox

_DATABASE = "mysql_binlog_test"
_SERVER_ID = 4_711


class Log:
    """The log of a server.

    Attributes:
        socket: Where the server listens.
        is_mysql: Whether it is MySQL itself.
        database: The tests' own.
    """

    def __init__(self, socket: str, *, is_mysql: bool) -> None:
        self.socket, self.is_mysql, self.database = socket, is_mysql, _DATABASE

    def connect(self, **options: Any) -> pymysql.Connection[Any]:
        words = {"user": account_name(), "autocommit": True, "charset": "utf8mb4", **options}
        return pymysql.connect(unix_socket=self.socket, **words)

    @contextmanager
    def session(self, *settings: str) -> Iterator[pymysql.cursors.Cursor]:
        """A session with settings of its own."""
        with closing(self.connect(database=_DATABASE)) as connection, connection.cursor() as cursor:
            for setting in (
                "sql_mode = ''",
                "time_zone = '+00:00'",
                "lock_wait_timeout = 5",
                *settings,
            ):
                cursor.execute(f"SET SESSION {setting}")
            yield cursor

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Runs statements in one session, and gives the last one's rows."""
        with self.session() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def end(self) -> Position:
        with closing(self.connect()) as connection:
            return current_position(connection)

    def keys_of(self, *tables: str) -> dict[tuple[str, str], KeyColumns]:
        with closing(self.connect()) as connection:
            return {
                (_DATABASE, table): key_columns(connection, (_DATABASE, table)) for table in tables
            }

    def batches(
        self, since: Position, tables: Sequence[str] | Mapping[Any, KeyColumns], *,
        until: Position | None = None, **options: Any,
    ) -> list[Batch]:  # fmt: skip
        """What is read from a position to the end, or to another one."""
        wanted = tables if isinstance(tables, Mapping) else self.keys_of(*tables)
        return [
            *read_changes(
                self.connect, since, until or self.end(), wanted, server_id=_SERVER_ID, **options
            )
        ]

    def changed(self, since: Position, table: str, **options: Any) -> set[Key]:
        """The keys of a table that changed."""
        found: set[Key] = set()
        for batch in self.batches(since, [table], **options):
            found |= set(batch.keys.get((_DATABASE, table), ()))
        return found


@pytest.fixture(scope="session")
def log(sandbox: Sandbox) -> Iterator[Log]:
    """The sandbox's server, with an empty database of the tests."""
    found = Log(str(sandbox.config.mysql_socket), is_mysql=sandbox.config.server == "mysql")
    with closing(found.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {_DATABASE}")
        cursor.execute(f"CREATE DATABASE {_DATABASE} CHARACTER SET utf8mb4")
    yield found
    with closing(found.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {_DATABASE}")
