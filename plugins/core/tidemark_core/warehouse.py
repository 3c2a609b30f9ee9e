"""The connection to Amazon Redshift: directly or through a bastion, TLS verified, errors explained.

The driver (``tidemark-core[warehouse]``) is imported when a connection is made, and not before.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tidemark_core.errors import ConfigError, TidemarkError
from tidemark_core.settings import Setting, bastion_settings
from tidemark_core.tunnel import Bastion, open_endpoint
from tidemark_core.warehouse_credentials import AUTH_SETTINGS, Credentials, credentials
from tidemark_core.warehouse_errors import explain_connect, explain_query

WAREHOUSE_SETTINGS = (
    Setting(
        "redshift_host",
        "Host name of the warehouse, or the path of a Unix socket on its bastion.",
        required=True,
    ),
    Setting("redshift_port", "Port of the warehouse.", "integer", default=5439, minimum=1),
    Setting("redshift_database", "Database to load into.", required=True),
    *AUTH_SETTINGS,
    Setting("redshift_ssl", "Whether to use TLS; its certificate is always verified.", "boolean",
            default=True),
    Setting(
        "redshift_ssl_mode",
        "verify-full: authority and host name; verify-ca: the authority only.",
        default="verify-full",
        choices=("verify-full", "verify-ca"),
    ),
    Setting(
        "redshift_ssl_root_cert",
        "File of the certificate authority; empty: Amazon's, which the driver brings.",
    ),
    Setting(
        "redshift_ssl_server_name",
        "Name in the warehouse's certificate, where it is not REDSHIFT_HOST.",
    ),
    Setting(
        "redshift_connect_timeout_seconds",
        "How long to wait for the warehouse to answer a new connection.",
        "integer",
        default=20,
        minimum=1,
    ),
    *bastion_settings("redshift_ssh_bastion", "the warehouse"),
)  # fmt: skip

#: Dead peers are noticed in about 30 + 6 * 10 seconds, also in the middle of a long COPY.
_KEEPALIVE: dict[str, Any] = {
    "tcp_keepalive_idle": 30,
    "tcp_keepalive_interval": 10,
    "tcp_keepalive_count": 6,
}
#: Where to connect in place of the host whose certificate is verified (libpq's ``hostaddr``,
#: which the driver does not have): the local end of a tunnel.
_address: ContextVar[tuple[str, int] | None] = ContextVar("tidemark_address", default=None)
#: The same for connections that somebody else makes in this process, such as dbt's.
_routes: dict[tuple[str, int], tuple[str, int]] = {}
_environment_lock = threading.Lock()


class WarehouseConnection:
    """A session in autocommit mode; transactions are begun and ended by statements.

    Not thread safe. Closing it closes its tunnel too.
    """

    def __init__(self, driver_connection: Any, resources: ExitStack) -> None:
        self._connection = driver_connection
        self._resources = resources

    def execute(
        self,
        sql: str,
        values: Sequence[Any] = (),
        *,
        what: str = "a statement",
        table: object | None = None,
    ) -> list[tuple[Any, ...]]:
        """Runs one statement.

        Args:
            sql: The statement; ``?`` stands for a bound value.
            values: Values to bind.
            what: What it does, for the error message.
            table: The source table, for the error message.

        Returns:
            The rows; an empty list for statements without any.

        Raises:
            QueryError: The statement failed or the connection was lost (``lost``).
        """
        cursor = self._connection.cursor()
        cursor.paramstyle = "qmark"
        try:
            cursor.execute(sql, tuple(values) or None)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        except Exception as error:
            # Also AttributeError, ValueError and struct.error, by which the driver reports a
            # socket that was closed under it.
            raise explain_query(error, what, table=table) from error

    def close(self) -> None:
        """Ends the session (the server rolls an open transaction back) and its tunnel."""
        self._resources.close()

    def __enter__(self) -> WarehouseConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    config: Mapping[str, Any], *, application_name: str = "tidemark"
) -> WarehouseConnection:
    """Connects to the warehouse.

    With a bastion, TLS still runs from here to the warehouse: the certificate is held against
    ``redshift_ssl_server_name``, else ``redshift_host``, although the socket leads to 127.0.0.1.

    Args:
        config: Values of `WAREHOUSE_SETTINGS`.
        application_name: Shown in the warehouse's own session tables.

    Raises:
        ConfigError: Settings are missing or contradict each other.
        TunnelError: The bastion cannot be reached.
        WarehouseError: The warehouse cannot be reached or refuses the login.
    """
    host, port = config["redshift_host"], int(config["redshift_port"])
    bastion = _bastion(config)
    login = credentials(config)
    name = _server_name(config)
    shown = f"{host if host.startswith('/') else f'{host}:{port}'}/{config['redshift_database']}"
    with ExitStack() as stack:
        address: tuple[str, int] | None = None
        if bastion is not None:
            endpoint = stack.enter_context(open_endpoint(bastion, host, port))
            address = (endpoint.host, endpoint.port)
        try:
            connection = _login(config, login, name, port, address, application_name)
        except TidemarkError:
            raise
        except Exception as error:
            _let_go(error)
            if bastion is not None:
                endpoint.check()
            raise explain_connect(error, shown, user=login.user) from error
        stack.callback(_close, connection)
        return WarehouseConnection(connection, stack.pop_all())


@contextmanager
def routed(config: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Holds the way to the warehouse open for connections that other code makes in this process.

    With a bastion, the driver is sent through the tunnel whenever it connects to the name that is
    yielded, while the certificate is still held against that name.

    Args:
        config: Values of `WAREHOUSE_SETTINGS`.

    Yields:
        Host and port to give to the driver.

    Raises:
        ConfigError: The host is a socket and there is no bastion.
        TunnelError: The bastion cannot be reached.
    """
    host, port = config["redshift_host"], int(config["redshift_port"])
    bastion = _bastion(config)
    if bastion is None:
        yield host, port
        return
    name = _server_name(config)
    with open_endpoint(bastion, host, port) as endpoint:
        _install_address_lookup()
        _routes[name, port] = (endpoint.host, endpoint.port)
        try:
            yield name, port
        finally:
            del _routes[name, port]


def _bastion(config: Mapping[str, Any]) -> Bastion | None:
    bastion = Bastion.from_config(config, prefix="redshift_ssh_bastion")
    host = config["redshift_host"]
    if host.startswith("/") and bastion is None:
        raise ConfigError(
            f"REDSHIFT_HOST {host!r} is the path of a socket, which only a bastion can reach",
            hint="set REDSHIFT_SSH_BASTION_HOST, or a host name in REDSHIFT_HOST",
        )
    return bastion


def _server_name(config: Mapping[str, Any]) -> str:
    """The name that the warehouse's certificate must have."""
    host: str = config["redshift_host"]
    named = config.get("redshift_ssl_server_name")
    return named or ("localhost" if host.startswith("/") else host)


def _login(
    config: Mapping[str, Any],
    login: Credentials,
    server_name: str,
    port: int,
    address: tuple[str, int] | None,
    application_name: str,
) -> Any:
    import redshift_connector

    # At DEBUG the driver logs every message of the wire, rows included.
    logging.getLogger("redshift_connector").setLevel(logging.WARNING)
    _install_address_lookup()
    token = _address.set(address)
    try:
        with _root_certificate(config.get("redshift_ssl_root_cert")), warnings.catch_warnings():
            # It makes its TLS context in a deprecated way, still with verification.
            warnings.simplefilter("ignore", DeprecationWarning)
            connection = redshift_connector.connect(
                host=server_name,
                port=port,
                database=config["redshift_database"],
                user=login.user,
                password=login.password,
                ssl=bool(config.get("redshift_ssl", True)),
                sslmode=config.get("redshift_ssl_mode") or "verify-full",
                timeout=int(config.get("redshift_connect_timeout_seconds") or 20),
                application_name=application_name,
                **_KEEPALIVE,
            )
    finally:
        _address.reset(token)
    # The driver's timeout would also end a COPY that takes longer than a login may.
    connection._usock.settimeout(None)
    connection.autocommit = True
    return connection


def _install_address_lookup() -> None:
    """Teaches the driver's only look-up of an address about `_address`; once."""
    from redshift_connector.core import Connection

    attribute = "_Connection__get_host_address_info"
    original = getattr(Connection, attribute)
    if getattr(original, "tidemark", False):
        return

    def look_up(host: str, port: int) -> tuple[str, int]:
        address = _address.get() or _routes.get((host, port))
        if address is not None:
            return address
        found: tuple[str, int] = original(host, port)
        return found

    look_up.tidemark = True  # type: ignore[attr-defined]
    setattr(Connection, attribute, staticmethod(look_up))


@contextmanager
def _root_certificate(path: str | None) -> Iterator[None]:
    """Makes the driver trust an authority of ours.

    It has no setting for one; its TLS context loads OpenSSL's default file, which SSL_CERT_FILE
    names (https://docs.openssl.org/3.0/man3/SSL_CTX_load_verify_locations/).
    """
    if not path:
        yield
        return
    if not Path(path).is_file():
        raise ConfigError(f"REDSHIFT_SSL_ROOT_CERT {path!r} is not a file")
    with _environment_lock:
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = path
        try:
            yield
        finally:
            if before is None:
                del os.environ["SSL_CERT_FILE"]
            else:
                os.environ["SSL_CERT_FILE"] = before


def _let_go(error: Exception) -> None:
    """Closes the socket of a login that failed, which the driver leaves open.

    There is no connection to close yet; only the frames of the error know the half-made one.
    """
    trace = error.__traceback__
    while trace is not None:
        half_made = trace.tb_frame.f_locals.get("self")
        for name in ("_sock", "_usock"):
            part = getattr(half_made, name, None)
            if part is not None:
                part.close()
        trace = trace.tb_next


def _close(connection: Any) -> None:
    # A connection that was lost cannot be closed politely, and need not be. (redshift_connector
    # raises InterfaceError, AttributeError or OSError then.)
    try:
        connection.close()
    except Exception:
        logging.getLogger(__name__).debug("the session was already gone")
