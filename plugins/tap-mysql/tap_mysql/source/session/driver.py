"""PyMySQL over an endpoint: a tunnel's socket, and no cleartext password to unverified servers."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
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
#: CR_AUTH_PLUGIN_ERR.
_AUTH_PLUGIN = 2061


class Connection(pymysql.connections.Connection):
    """A connection that sends its password only to the server that it knows.

    PyMySQL reads ``server_public_key`` when it is about to encrypt the password for a server whose
    identity is not verified, and sets it to the key which that server sends.
    """

    @property
    def server_public_key(self) -> bytes:
        """The key that was given to us.

        Raises:
            pymysql.err.OperationalError: There is none.
        """
        pinned: bytes | None = self.__dict__["_pinned"]
        if pinned is None:
            raise pymysql.err.OperationalError(
                _AUTH_PLUGIN, "the server requests the password, but its identity was not verified"
            )
        return pinned

    @server_public_key.setter
    def server_public_key(self, key: bytes | None) -> None:
        # The constructor sets ours; what comes later is the server's.
        self.__dict__.setdefault("_pinned", key)

    def wait(self, seconds: float | None) -> None:
        """Sets how long an answer may take from now on; None: for ever.

        PyMySQL has one timeout for the greeting and for answers.
        """
        self._read_timeout = self._write_timeout = seconds


class _Refusal:
    """Stands for an authentication plugin that must not be answered."""

    def __init__(self, connection: object) -> None:
        pass

    def authenticate(self, _packet: object) -> NoReturn:
        raise pymysql.err.OperationalError(
            2059, f"the server requests the password in cleartext ({_CLEAR}) without verified TLS"
        )


def open_connection(
    endpoint: Endpoint,
    *,
    server_name: str,
    context: ssl.SSLContext | None,
    timeout: float | None = None,
    public_key: str | None = None,
    **options: Any,
) -> Connection:
    """Connects to MySQL.

    Args:
        endpoint: The way there.
        server_name: Name that the certificate must have.
        context: Verifies it; None: TLS is not asked for.
        timeout: Seconds that the answer to a question may take; None: any time.
        public_key: File of the server's RSA key, for which the password may be encrypted without
            TLS; None: without TLS the password is not sent at all.
        options: More arguments for ``pymysql.connect``.

    Raises:
        pymysql.err.MySQLError: The server is unreachable, or refused the login.
        ConfigError: The key's file cannot be read, or others could change it.
    """
    connection = Connection(
        host=server_name if context else endpoint.host,
        port=endpoint.port,
        read_timeout=GREETING_SECONDS,
        write_timeout=GREETING_SECONDS,
        ssl=context,
        # Else PyMySQL uses TLS where the server offers it, verifies nothing, and trusts it with the
        # password.
        ssl_disabled=context is None,
        auth_plugin_map={} if context else {_CLEAR: _Refusal},
        server_public_key=_read_key(public_key) if public_key else None,
        defer_connect=True,
        **options,
    )
    # Always our own socket: PyMySQL would take a Unix socket for a channel that cannot be tapped,
    # and send the password over it, although beyond the bastion it is a network. And it must not
    # connect to the name that it verifies.
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


def _read_key(path: str) -> bytes:
    check_trusted(path, "DB_SERVER_PUBLIC_KEY")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the key file {path} cannot be read: {error}", hint="correct DB_SERVER_PUBLIC_KEY"
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
