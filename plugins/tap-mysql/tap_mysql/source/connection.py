"""Connections to MySQL: a plain driver for questions, and the URL for the fast one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pymysql
import pymysql.cursors
from tidemark_core.errors import ConfigError, SourceError, TunnelError
from tidemark_core.ssh.tunnel import Endpoint

from tap_mysql.connectorx.pool import Workers
from tap_mysql.source.driver import CONNECT_SECONDS, open_connection, verifying_context
from tap_mysql.source.error_codes import number_in, source_error, tls_error
from tap_mysql.source.server_identity import Server

#: What every session says first. UTC for TIMESTAMP columns; no mode that changes what SELECT gives
#: (PAD_CHAR_TO_FULL_LENGTH); a reader that waits for a slow upload is not thrown out; a table that
#: an ALTER holds is given up after a minute and tried again; long keys are sorted by all of their
#: bytes, for MySQL sorts by the first 1,024 alone and a page would end in the middle of others.
SESSION = (
    "SET time_zone = '+00:00'",
    "SET sql_mode = ''",
    "SET SESSION net_write_timeout = 3600",
    "SET SESSION lock_wait_timeout = 60",
    "SET SESSION max_sort_length = 1048576",
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
        verify_host: Whether the fast driver, which only knows the address that it connects to, can
            hold the certificate against the name too.
    """

    user: str
    password: str = field(repr=False)
    database: str
    tls: bool = False
    ca: str | None = None
    server_name: str = ""
    verify_host: bool = True

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Login:
        """Reads resolved settings.

        Raises:
            ConfigError: TLS through a bastion has no name to verify, or would trust anybody's CA.
        """
        tunnelled, tls = bool(config["ssh_bastion_host"]), config["db_ssl_mode"] == "verify"
        name = config.get("db_ssl_server_name") or config["db_host"]
        if tls and name.startswith("/"):
            raise ConfigError(
                f"DB_HOST {name!r} is a socket: the certificate of the server has no name to match",
                hint="set DB_SSL_SERVER_NAME to the name in the certificate",
            )
        if tls and not config["db_ssl_ca"] and (tunnelled or name != config["db_host"]):
            raise ConfigError(
                "DB_SSL_CA is not set: with a bastion or DB_SSL_SERVER_NAME, the fast driver holds "
                "the certificate against its authority only, and the system trusts many",
                hint="set DB_SSL_CA to the file of the authority that signed MySQL's certificate",
            )
        return cls(
            user=config["db_user"],
            password=config["db_password"] or "",
            database=config["db_database"],
            tls=tls,
            ca=config["db_ssl_ca"],
            server_name=name,
            verify_host=not tunnelled and name == config["db_host"],
        )


class Session:
    """A connection of the plain driver.

    Attributes:
        server: Version text of the server.
    """

    def __init__(self, connection: pymysql.Connection[pymysql.cursors.Cursor]) -> None:
        self._connection = connection
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
        """The same for an answer whose columns are not the same on every server.

        Raises:
            SourceError: The server refused, or went away.
        """
        with self._asked(query, ()) as cursor:
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def _asked(self, query: str, parameters: tuple[Any, ...]) -> Iterator[pymysql.cursors.Cursor]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query, parameters or None)
                yield cursor
        except pymysql.err.MySQLError as error:
            raise _explained(error, logged_in=True) from error
        except UnicodeDecodeError as error:
            raise SourceError(
                "MySQL sent text that is not valid UTF-8 in place of a key"
            ) from error

    def plan(self, query: str) -> list[dict[str, Any]]:
        """How the server would answer a query: its plan's steps, by the names of their columns.

        Raises:
            SourceError: The server refused, or went away.
        """
        # MariaDB has no other form with columns; MySQL's own default may be a tree.
        form = "" if self.is_mariadb else "FORMAT=TRADITIONAL "
        return self.named_rows(f"EXPLAIN {form}{query}")

    def now(self) -> datetime:
        """The server's clock, UTC."""
        ((text,),) = self.rows("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%d %H:%i:%s.%f')")
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f")


@dataclass(frozen=True)
class Source:
    """A MySQL server as it can be reached now.

    Attributes:
        login: Who logs in.
        endpoint: The way there.
        timeout: Seconds without an answer after which a question is given up.
        workers: The processes of the fast driver.
        server: The only server whose rows may be read; None: whichever answers.
    """

    login: Login
    endpoint: Endpoint
    timeout: int = 1800
    workers: Workers = field(default_factory=Workers)
    server: Server | None = None

    @property
    def statements(self) -> tuple[str, ...]:
        """What a connection of the fast driver says first."""
        return SESSION if self.server is None else (*SESSION, self.server.guard)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Opens a connection of the plain driver.

        Raises:
            TunnelError: The bastion is away, or cannot reach the server.
            SourceError: The server is away, or refused the login.
        """
        self.endpoint.ensure()
        try:
            connection = open_connection(
                self.endpoint,
                server_name=self.login.server_name,
                timeout=self.timeout,
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
            raise _explained(error) from error
        except (OSError, ValueError) as error:
            self.endpoint.check()
            raise SourceError(f"MySQL cannot be reached: {error}", retryable=True) from error
        try:
            session = Session(connection)
            for statement in SESSION[1:]:
                session.rows(statement)
            yield session
        except SourceError as error:
            if error.retryable:
                self._blame_tunnel()
            raise
        finally:
            connection.close()

    def url(self) -> str:
        """The server as ConnectorX writes it; holds the password, so it is never logged."""
        options = {
            "tcp_connect_timeout_ms": str(CONNECT_SECONDS * 1000),
            # Else a server behind 127.0.0.1, our end of the tunnel, is asked for its socket's path,
            # and whatever listens at that path on this machine is read in its place.
            "prefer_socket": "false",
        }
        if self.endpoint.socket and not self.login.tls:
            options["socket"] = self.endpoint.socket
        if self.login.tls:
            options["ssl-mode"] = "VERIFY_IDENTITY" if self.login.verify_host else "VERIFY_CA"
            if self.login.ca:
                options["ssl-ca"] = self.login.ca
        words = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        user, password = quote(self.login.user, safe=""), quote(self.login.password, safe="")
        return (
            f"mysql://{user}:{password}@{self.endpoint.host}:{self.endpoint.port}/"
            f"{quote(self.login.database, safe='')}?{words}"
        )

    def _blame_tunnel(self) -> None:
        try:
            self.endpoint.check()
        except TunnelError as error:
            raise TunnelError(error.message, hint=error.hint, retryable=True) from error


def _explained(error: pymysql.err.MySQLError, *, logged_in: bool = False) -> SourceError:
    number = number_in(error)
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    return tls_error(number, text) or source_error(number, text, logged_in=logged_in)
