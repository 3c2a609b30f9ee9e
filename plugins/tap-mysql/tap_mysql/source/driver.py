"""PyMySQL over an endpoint: through a tunnel's socket, and no password in clear to just anybody."""

from __future__ import annotations

import socket
import ssl
from typing import Any, NoReturn

import pymysql
import pymysql.connections
from tidemark_core.errors import ConfigError
from tidemark_core.host.trusted_file import check_trusted
from tidemark_core.ssh.tunnel import Endpoint

#: Together less than the half minute within which a run must say what is wrong.
CONNECT_SECONDS, GREETING_SECONDS = 10, 15
#: The plugin by which a server asks for the password itself.
_CLEAR = "mysql_clear_password"


class Connection(pymysql.connections.Connection):
    """A connection whose patience grows once the server has greeted: pymysql has one for both."""

    def wait(self, seconds: float | None) -> None:
        """How long a question's answer may take from now on; None: for ever."""
        self._read_timeout = self._write_timeout = seconds


class _Refusal:
    """Stands for an authentication plugin that must not be answered."""

    def __init__(self, connection: object) -> None:
        pass

    def authenticate(self, _packet: object) -> NoReturn:
        raise pymysql.err.OperationalError(
            2059, f"the server asks for the password in clear ({_CLEAR}) without verified TLS"
        )


def open_connection(
    endpoint: Endpoint,
    *,
    server_name: str,
    context: ssl.SSLContext | None,
    timeout: float | None = None,
    **options: Any,
) -> Connection:
    """Connects to MySQL.

    Args:
        endpoint: The way there.
        server_name: Name that the certificate must have.
        context: Verifies it; None: TLS is not asked for.
        timeout: Seconds that the answer to a question may take; None: any time.
        options: More arguments for ``pymysql.connect``.

    Raises:
        pymysql.err.MySQLError: The server is away, or refused the login.
    """
    connection = Connection(
        host=server_name if context else endpoint.host,
        port=endpoint.port,
        read_timeout=GREETING_SECONDS,
        write_timeout=GREETING_SECONDS,
        ssl=context,
        # Else PyMySQL takes TLS where the server offers it, verifies nothing, and trusts it with
        # the password.
        ssl_disabled=context is None,
        auth_plugin_map={} if context else {_CLEAR: _Refusal},
        defer_connect=True,
        **options,
    )
    # A socket of ours in every case: PyMySQL would take a Unix socket for a way that nobody can
    # listen to, and send the password over it, although from the bastion on it is a network.
    # And it must not connect to the name that it verifies.
    try:
        way = _open_socket(endpoint)
    except OSError as error:
        raise pymysql.err.OperationalError(
            2003, f"Can't connect to MySQL server on {endpoint.host!r} ({error})"
        ) from error
    connection.connect(way)
    connection.wait(timeout)
    return connection


def verifying_context(ca: str | None) -> ssl.SSLContext:
    """TLS that verifies the certificate and the name in it.

    Args:
        ca: File of the authority; None: the system's.

    Raises:
        ConfigError: The file cannot be read, or others could change it.
    """
    if ca:
        check_trusted(ca, "DB_SSL_CA")
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise ConfigError(
            f"the CA file {ca} cannot be read: {error}", hint="correct DB_SSL_CA"
        ) from error


def _open_socket(endpoint: Endpoint) -> socket.socket:
    if endpoint.socket is None:
        way = socket.create_connection((endpoint.host, endpoint.port), CONNECT_SECONDS)
        way.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        way.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return way
    way = socket.socket(socket.AF_UNIX)
    try:
        way.settimeout(CONNECT_SECONDS)
        way.connect(endpoint.socket)
    except BaseException:
        way.close()
        raise
    return way
