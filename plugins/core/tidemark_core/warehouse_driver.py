"""What redshift_connector lacks: logins that are verified, go through a tunnel and end well."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tidemark_core.errors import ConfigError
from tidemark_core.warehouse_credentials import Credentials

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
routes: dict[tuple[str, int], tuple[str, int]] = {}
_environment_lock = threading.Lock()


def login(
    config: Mapping[str, Any],
    who: Credentials,
    server_name: str,
    port: int,
    address: tuple[str, int] | None,
    application_name: str,
) -> Any:
    import redshift_connector

    # At DEBUG the driver logs every message of the wire, rows included.
    logging.getLogger("redshift_connector").setLevel(logging.WARNING)
    install_address_lookup()
    token = _address.set(address)
    try:
        with _root_certificate(config.get("redshift_ssl_root_cert")), warnings.catch_warnings():
            # It makes its TLS context in a deprecated way, still with verification.
            warnings.simplefilter("ignore", DeprecationWarning)
            connection = redshift_connector.connect(
                host=server_name,
                port=port,
                database=config["redshift_database"],
                user=who.user,
                password=who.password,
                ssl=bool(config.get("redshift_ssl", True)),
                sslmode=config.get("redshift_ssl_mode") or "verify-full",
                timeout=int(config.get("redshift_connect_timeout_seconds") or 20),
                application_name=application_name,
                **_KEEPALIVE,
            )
    finally:
        _address.reset(token)
    connection.autocommit = True
    return connection


def set_silence(connection: Any, seconds: float | None) -> None:
    """Says how long the peer may keep silent; that of the login would also end a long COPY."""
    connection._usock.settimeout(seconds)


def install_address_lookup() -> None:
    """Teaches the driver's only look-up of an address about `_address`; once."""
    from redshift_connector.core import Connection

    attribute = "_Connection__get_host_address_info"
    original = getattr(Connection, attribute)
    if getattr(original, "tidemark", False):
        return

    def look_up(host: str, port: int) -> tuple[str, int]:
        address = _address.get() or routes.get((host, port))
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


def let_go(error: Exception) -> None:
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
    except Exception:
        logging.getLogger(__name__).debug("the session was already gone")
