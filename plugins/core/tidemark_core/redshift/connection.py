"""The connection to Amazon Redshift: directly or through a bastion, TLS verified, errors explained.

The driver (``tidemark-core[warehouse]``) is imported when a connection is made, and not before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import Any

from tidemark_core.errors import ConfigError, TidemarkError
from tidemark_core.redshift.credentials import credentials
from tidemark_core.redshift.driver_patches import (
    close,
    close_failed_socket,
    install_routes,
    login,
    routes,
    set_silence,
)
from tidemark_core.redshift.errors import explain_connect, explain_query, mute
from tidemark_core.redshift.settings import WarehouseSettings
from tidemark_core.settings import STATEMENT_SECONDS
from tidemark_core.ssh.bastion import Bastion
from tidemark_core.ssh.tunnel import Endpoint, open_endpoint

#: Seconds that the server's own timeout is given to end a statement first.
SILENCE_MARGIN = 30.0
#: Tunnels that `routed` holds open, by the server's name and port.
_held: dict[tuple[str, int], Endpoint] = {}


class WarehouseConnection:
    """A session in autocommit mode; transactions are begun and ended by statements.

    Not thread safe. Closing it closes its tunnel too.

    Args:
        driver_connection: The driver's.
        resources: What ends with it.
        silence: Seconds that the warehouse may leave a statement unanswered; None: no limit. The
            server's own timeout does not help when it is the server that no longer answers.
    """

    def __init__(
        self, driver_connection: Any, resources: ExitStack, silence: float | None = None
    ) -> None:
        self._connection = driver_connection
        self._resources = resources
        self._silence = silence
        set_silence(driver_connection, silence)

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
        begun = monotonic()
        cursor = self._connection.cursor()
        cursor.paramstyle = "qmark"
        try:
            cursor.execute(sql, tuple(values) or None)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        except Exception as error:
            # Also AttributeError, ValueError and struct.error, by which the driver reports a
            # socket that was closed under it.
            if self._silence is not None and monotonic() - begun >= self._silence:
                raise mute(self._silence, what, table=table) from error
            raise explain_query(error, what, table=table) from error

    def close(self) -> None:
        """Ends the session (the server rolls an open transaction back) and its tunnel."""
        self._resources.close()

    def __enter__(self) -> WarehouseConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    settings: WarehouseSettings,
    *,
    application_name: str = "tidemark",
    statement_seconds: int = STATEMENT_SECONDS.default,
) -> WarehouseConnection:
    """Connects to the warehouse.

    With a bastion, TLS still runs from here to the warehouse: the certificate is checked
    against ``redshift_ssl_server_name``, else ``redshift_host``, although the connection goes
    through a tunnel. Within `routed`, the tunnel held open there is used.

    Args:
        settings: Where the warehouse is, and who logs in.
        application_name: Shown in the warehouse's own session tables.
        statement_seconds: How long the server lets a statement take; 0: no limit.

    Raises:
        ConfigError: Settings are missing or contradict each other.
        TunnelError: The bastion cannot be reached.
        WarehouseError: The warehouse cannot be reached or refuses the login.
    """
    host, port = settings.redshift_host, settings.redshift_port
    bastion = _bastion(settings)
    who = credentials(settings)
    name = _server_name(settings)
    shown = f"{host if host.startswith('/') else f'{host}:{port}'}/{settings.redshift_database}"
    with ExitStack() as stack:
        socket: str | None = None
        endpoint = _held.get((name, port))
        if bastion is not None:
            endpoint = endpoint or stack.enter_context(open_endpoint(bastion, host, port))
            socket = endpoint.socket
        try:
            connection = login(settings, who, name, socket, application_name)
        except TidemarkError:
            raise
        except Exception as error:
            close_failed_socket(error)
            if endpoint is not None:
                endpoint.check()
            raise explain_connect(error, shown, user=who.user) from error
        stack.callback(close, connection)
        return WarehouseConnection(connection, stack.pop_all(), _silence(statement_seconds))


@contextmanager
def routed(settings: WarehouseSettings) -> Iterator[tuple[str, int]]:
    """Keeps the warehouse reachable for connections that other code makes in this process.

    With a bastion, the driver is sent through the tunnel whenever it connects to the name that is
    yielded, while the certificate is still checked against that name.

    Args:
        settings: Where the warehouse is.

    Yields:
        Host and port to give to the driver.

    Raises:
        ConfigError: The host is a socket and there is no bastion.
        TunnelError: The bastion cannot be reached.
    """
    host, port = settings.redshift_host, settings.redshift_port
    install_routes()
    bastion = _bastion(settings)
    if bastion is None:
        yield host, port
        return
    name = _server_name(settings)
    with open_endpoint(bastion, host, port) as endpoint:
        routes[name, port] = str(endpoint.socket)
        _held[name, port] = endpoint
        try:
            yield name, port
        finally:
            del routes[name, port], _held[name, port]


def _silence(seconds: int) -> float | None:
    """How long a statement may go without an answer: a little longer than the server's timeout."""
    return seconds + SILENCE_MARGIN if seconds else None


def _bastion(settings: WarehouseSettings) -> Bastion | None:
    bastion, host = settings.bastion, settings.redshift_host
    if host.startswith("/") and bastion is None:
        raise ConfigError(
            f"REDSHIFT_HOST {host!r} is a socket path, which can only be reached through a bastion",
            hint="set REDSHIFT_SSH_BASTION_HOST, or a host name in REDSHIFT_HOST",
        )
    return bastion


def _server_name(settings: WarehouseSettings) -> str:
    """The name that the warehouse's certificate must have."""
    host, named = settings.redshift_host, settings.redshift_ssl_server_name
    return named or ("localhost" if host.startswith("/") else host)
