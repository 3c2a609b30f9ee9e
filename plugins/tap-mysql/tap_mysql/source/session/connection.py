"""Sessions with MySQL: questions, and rows as Arrow batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pymysql
import pymysql.cursors
from tidemark_core.errors import ConfigError, SourceError, TunnelError
from tidemark_core.ssh.tunnel import Endpoint

from tap_mysql.source.error_codes import number_in, source_error, tls_error
from tap_mysql.source.session.driver import Connection, open_connection, verifying_context
from tap_mysql.source.session.idle import Idle
from tap_mysql.source.session.server_identity import Server
from tap_mysql.source.settings import MySQLSettings

if TYPE_CHECKING:
    import mysql_arrow
    import pyarrow as pa

#: What every session says first. UTC for TIMESTAMP columns; no mode that changes what SELECT gives
#: (PAD_CHAR_TO_FULL_LENGTH); a reader that waits for a slow upload is not thrown out; a table
#: locked by an ALTER is given up after a minute and retried; long keys are sorted by all of their
#: bytes, for MySQL sorts by the first 1,024 only and a page would end in the middle of keys that
#: share them.
SESSION = (
    "SET time_zone = '+00:00'",
    "SET sql_mode = '', net_write_timeout = 3600, lock_wait_timeout = 60, "
    "max_sort_length = 1048576",
    "SET SESSION TRANSACTION READ ONLY",
)


@dataclass(frozen=True)
class Login:
    """Who logs in, and how.

    Attributes:
        user: MySQL user.
        password: Its password.
        database: Default database.
        tls: Whether TLS is used, and verified.
        ca: CA file; None: the system's.
        server_name: Name that the certificate must have.
        public_key: File of the server's RSA key, for a login without TLS; None: none is known.
    """

    user: str
    password: str = field(repr=False)
    database: str
    tls: bool = False
    ca: str | None = None
    server_name: str = ""
    public_key: str | None = None

    @classmethod
    def of(cls, settings: MySQLSettings) -> Login:
        """The login that the settings describe.

        Raises:
            ConfigError: TLS has no name to verify.
        """
        tls = settings.db_ssl_mode == "verify"
        name = settings.db_ssl_server_name or settings.db_host
        if tls and name.startswith("/"):
            raise ConfigError(
                f"DB_HOST {name!r} is a socket, so there is no host name to match with the "
                "server's certificate",
                hint="set DB_SSL_SERVER_NAME to the name in the certificate",
            )
        return cls(
            user=settings.db_user,
            password=settings.db_password or "",
            database=settings.db_database,
            tls=tls,
            ca=settings.db_ssl_ca,
            server_name=name,
            public_key=settings.db_server_public_key,
        )


class Session:
    """A connection.

    Attributes:
        connection: The driver's.
        server: Version text of the server.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.server = str(connection.get_server_info())  # type: ignore[no-untyped-call]

    @property
    def is_mariadb(self) -> bool:
        return "mariadb" in self.server.lower()

    def rows(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Asks a question and gives all rows of the answer.

        Raises:
            SourceError: The server refused, or went away.
        """
        with self._asked(query, parameters) as cursor:
            return list(cursor.fetchall())

    def named_rows(self, query: str) -> list[dict[str, Any]]:
        """Like `rows`, for an answer whose columns differ between servers.

        Raises:
            SourceError: The server refused, or went away.
        """
        with self._asked(query, ()) as cursor:
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def _asked(self, query: str, parameters: tuple[Any, ...]) -> Iterator[pymysql.cursors.Cursor]:
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(query, parameters or None)
                yield cursor
        except pymysql.err.MySQLError as error:
            raise _explained(error, logged_in=True) from error
        except UnicodeDecodeError as error:
            raise SourceError("MySQL sent a key that is not valid UTF-8") from error

    def batches(
        self, query: str, schema: pa.Schema, *, guard: str | None, **shape: Any
    ) -> mysql_arrow.Result:
        """Asks for rows as Arrow batches; until the last one nothing else can be asked.

        Args:
            query: A SELECT.
            schema: Its columns.
            guard: A statement that must succeed first, on this very connection.
            shape: See `mysql_arrow.query`.

        Raises:
            pymysql.err.MySQLError: The server refused, or went away.
        """
        if guard is not None:
            self.connection.query(guard)
        import mysql_arrow  # imports pyarrow, which only a read needs

        return mysql_arrow.query(self.connection, query, schema, **shape)

    def plan(self, query: str) -> list[dict[str, Any]]:
        """The server's plan for a query: its steps, each by column name.

        Raises:
            SourceError: The server refused, or went away.
        """
        # MariaDB has no other form with columns; MySQL's own default may be a tree.
        form = "" if self.is_mariadb else "FORMAT=TRADITIONAL "
        return self.named_rows(f"EXPLAIN {form}{query}")

    def now(self) -> datetime:
        """The server's clock, UTC."""
        ((text,),) = self.rows("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%d %H:%i:%s.%f')")
        return datetime.fromisoformat(text)


@dataclass(frozen=True)
class Source:
    """A MySQL server as it can be reached now.

    Attributes:
        login: Who logs in.
        endpoint: The way there.
        timeout: Seconds without an answer after which a question is given up.
        server: The only server whose rows may be read; None: whichever answers.
        idle: Connections for the next questions.
    """

    login: Login
    endpoint: Endpoint
    timeout: int
    server: Server | None = None
    idle: Idle = field(default_factory=Idle, compare=False)

    @property
    def guard(self) -> str | None:
        """A statement that fails on any server but the one that may be read; None if any may be."""
        return None if self.server is None else self.server.guard

    def connect(self) -> Connection:
        """Opens a connection; the caller closes it.

        A server may refuse it because it has no more to give: idle ones are closed for it.

        Raises:
            TunnelError: The bastion is unreachable, or cannot reach the server.
            SourceError: The server is unreachable, or refused the login.
        """
        self.endpoint.ensure()
        try:
            return open_connection(
                self.endpoint,
                server_name=self.login.server_name,
                timeout=self.timeout,
                public_key=self.login.public_key,
                user=self.login.user,
                password=self.login.password,
                database=self.login.database,
                charset="utf8mb4",
                autocommit=True,
                init_command=";".join(SESSION[:1]),
                context=verifying_context(self.login.ca) if self.login.tls else None,
            )
        except pymysql.err.MySQLError as error:
            self.endpoint.check()
            if self.idle.close():
                return self.connect()
            raise _explained(error) from error
        except (OSError, ValueError) as error:
            self.endpoint.check()
            raise SourceError(f"MySQL cannot be reached: {error}", retryable=True) from error

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A connection for some questions: an idle one, or a new one.

        After an error it is closed, with what may be under way on it.

        Raises:
            TunnelError: The bastion is unreachable, or cannot reach the server.
            SourceError: The server is unreachable, or refused the login.
        """
        kept, is_done = self.idle.take(), False
        connection = kept or self.connect()
        connection.wait(self.timeout)
        try:
            session = Session(connection)
            for statement in () if kept else SESSION[1:]:
                session.rows(statement)
            yield session
            is_done = True
        except SourceError as error:
            if error.retryable:
                self._blame_tunnel()
            raise
        finally:
            if is_done:
                self.idle.give(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Closes the connections that are kept; who opens a source closes it at the end."""
        self.idle.close()

    def _blame_tunnel(self) -> None:
        try:
            self.endpoint.check()
        except TunnelError as error:
            raise TunnelError(error.message, hint=error.hint, retryable=True) from error


def _explained(error: pymysql.err.MySQLError, *, logged_in: bool = False) -> SourceError:
    number = number_in(error)
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    return tls_error(number, text) or source_error(number, text, logged_in=logged_in)
