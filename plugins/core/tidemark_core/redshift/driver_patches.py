"""Patches for redshift_connector: verified TLS through a tunnel, and clean shutdown."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from ssl import PROTOCOL_TLS_CLIENT, Purpose, SSLContext
from typing import Any

from tidemark_core.host.trusted_file import check_trusted
from tidemark_core.redshift.credentials import Credentials
from tidemark_core.redshift.settings import WarehouseSettings

#: Socket to connect to in place of the host whose certificate is verified (libpq's ``hostaddr``,
#: which the driver does not have): the local end of a tunnel.
_socket: ContextVar[str | None] = ContextVar("tidemark_socket", default=None)
#: The same for connections that other code makes in this process, such as dbt's.
routes: dict[tuple[str, int], str] = {}
#: Name, in the warehouse's session tables, of connections that other code makes.
_NAME = "tidemark-dbt"
#: File of the authority that a login trusts in place of the system's; None: the system's.
_authority: ContextVar[str | None] = ContextVar("tidemark_authority", default=None)
#: The version of the protocol in which values come as text. In binary, which the driver asks for by
#: itself, it reads dates before 1612 as others, times a microsecond less, and 28 digits of a
#: NUMERIC. https://github.com/aws/amazon-redshift-python-driver, utils/type_utils.py:
#: `date_recv_binary`, `time_recv_binary`, `numeric_in_binary`
TEXT_PROTOCOL = 0
#: Whether a login is under way here.
_logging_in: ContextVar[bool] = ContextVar("tidemark_logging_in", default=False)


def login(
    settings: WarehouseSettings,
    who: Credentials,
    server_name: str,
    socket: str | None,
    application_name: str,
) -> Any:
    import redshift_connector

    # At DEBUG the driver logs every message of the wire, rows included.
    logging.getLogger("redshift_connector").setLevel(logging.WARNING)
    install_routes()
    token = _socket.set(socket)
    try:
        with _root_certificate(settings.redshift_ssl_root_cert):
            connection = redshift_connector.connect(
                host=server_name,
                port=settings.redshift_port,
                database=settings.redshift_database,
                user=who.user,
                password=who.password,
                ssl=settings.redshift_ssl,
                sslmode=settings.redshift_ssl_mode,
                timeout=settings.redshift_connect_timeout_seconds,
                client_protocol_version=TEXT_PROTOCOL,
                application_name=application_name,
                # Dead peers are noticed in about 30 + 6 * 10 seconds, also amid a long COPY.
                tcp_keepalive_idle=30,
                tcp_keepalive_interval=10,
                tcp_keepalive_count=6,
            )
    finally:
        _socket.reset(token)
    connection.autocommit = True
    return connection


def set_silence(connection: Any, seconds: float | None) -> None:
    """Sets how long the peer may be silent; the login's timeout would also end a long COPY."""
    connection._usock.settimeout(seconds)


def install_routes() -> None:
    """Sends the driver's connections through `_socket` and `routes`, and names them; once.

    For a connection without a name, such as dbt's, the driver looks for its caller in the source of
    every frame of the stack, which takes longer than the login.
    """
    from redshift_connector.core import Connection

    _patch(Connection, "__init__", _routed)
    _patch(SSLContext, "__new__", _client)


def _routed(original: Callable[..., None]) -> Callable[..., None]:
    def connect(self: Any, *args: Any, **options: Any) -> None:
        way = _socket.get() or routes.get((options.get("host", ""), options.get("port", 0)))
        if way is not None:
            # Keepalives are TCP's; the tunnel has its own.
            options |= {"unix_sock": way, "tcp_keepalive": False}
        options["application_name"] = options.get("application_name") or _NAME
        token = _logging_in.set(True)
        try:
            original(self, *args, **options)
        finally:
            _logging_in.reset(token)

    return connect


def _patch(
    owner: type, name: str, around: Callable[[Callable[..., None]], Callable[..., None]]
) -> None:
    """Wraps a function of ours around a method, once per process."""
    original = getattr(owner, name)
    if getattr(original, "tidemark", False):
        return
    ours = wraps(original)(around(original))
    ours.tidemark = True  # type: ignore[attr-defined]
    setattr(owner, name, ours)


@contextmanager
def _root_certificate(path: str | None) -> Iterator[None]:
    """Makes the driver's logins trust an authority of ours, beside Amazon's.

    The driver has no setting for one. SSL_CERT_FILE would do, but an environment variable must not
    be set while other threads of this process read theirs (setenv is not thread-safe).
    """
    if path:
        check_trusted(path, "REDSHIFT_SSL_ROOT_CERT")
    _patch(SSLContext, "load_default_certs", _trusting)
    token = _authority.set(path or None)
    try:
        yield
    finally:
        _authority.reset(token)


def _trusting(original: Callable[..., None]) -> Callable[..., None]:
    """Has TLS contexts made under `_authority` load it instead of the system's authorities."""

    def load(self: SSLContext, purpose: Purpose = Purpose.SERVER_AUTH) -> None:
        path = _authority.get()
        if path is None:
            original(self, purpose)
        else:
            self.load_verify_locations(path)

    return load


def _client(original: Callable[..., Any]) -> Callable[..., Any]:
    """Makes the TLS context of a login one for a client.

    The driver names no protocol, about which Python warns. Ignoring the warning during a login
    would change the filters of all threads.
    """

    def new(cls: type[SSLContext], protocol: int | None = None, *args: Any, **options: Any) -> Any:
        if protocol is not None or not _logging_in.get():
            return original(cls, protocol, *args, **options)
        context = original(cls, PROTOCOL_TLS_CLIENT, *args, **options)
        context.check_hostname = False  # as without a protocol; the driver sets it for verify-full
        return context

    return new


def close_failed_socket(error: Exception) -> None:
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


def close(connection: Any) -> None:
    # A connection that was lost cannot be closed politely, and need not be. (redshift_connector
    # raises InterfaceError, AttributeError or OSError then.)
    try:
        connection.close()
    except Exception as error:  # noqa: BLE001 - whatever the driver makes of it
        log = logging.getLogger("tidemark_core.warehouse_driver")
        log.debug("the session was already closed: %s: %s", type(error).__name__, error)
