"""The SSH tunnel: a supervised OpenSSH child that forwards a Unix socket in a folder of our own.

A port of 127.0.0.1 would be open to every user of this machine, and whoever binds it first would be
taken for the server; a socket in a folder of mode 0700 is neither. A port is forwarded beside it
only where a client needs one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Protocol

from tidemark_core.host.temporary_folder import socket_folder
from tidemark_core.logs import Event, log_event
from tidemark_core.ssh.bastion import Bastion
from tidemark_core.ssh.process import TunnelProcess

logger = logging.getLogger("tidemark_core.tunnel")


class Endpoint(Protocol):
    """Where a server can be reached from this machine.

    Attributes:
        host: Host to connect to; through a tunnel, 127.0.0.1.
        port: Port to connect to; 0: the tunnel has a socket only.
    """

    host: str
    port: int

    @property
    def socket(self) -> str | None:
        """Path of the Unix socket to connect to instead of host and port; None: there is none."""

    @property
    def is_down(self) -> bool:
        """Whether the tunnel has died."""

    def check(self) -> None:
        """Says why the way to the server is broken, if it is.

        Raises:
            TunnelError: The tunnel is down, or the bastion could not reach the server.
        """

    def ensure(self) -> None:
        """Opens the tunnel again if it has died.

        Raises:
            TunnelError: It cannot be opened.
        """

    def drop(self) -> None:
        """Cuts the connections that go through the tunnel; `ensure` opens it again."""


@dataclass
class DirectEndpoint:
    """A server that needs no tunnel; the path of a Unix socket may stand for its host."""

    host: str
    port: int
    is_down: ClassVar[bool] = False

    @property
    def socket(self) -> str | None:
        """See `Endpoint`."""
        return self.host if self.host.startswith("/") else None

    def check(self) -> None:
        """Does nothing: the driver itself reports whatever is wrong on the way."""

    def ensure(self) -> None:
        """Nothing to open."""

    def drop(self) -> None:
        """Nothing to cut."""


@contextmanager
def open_endpoint(
    bastion: Bastion | None,
    host: str,
    port: int,
    local_port: int | None = None,
    *,
    timeout: float = 25.0,
) -> Iterator[Endpoint]:
    """Opens a tunnel to a server.

    Args:
        bastion: None: the server is reached directly.
        host: Name of the server, as the bastion sees it, or the path of a Unix socket there.
        port: Port of the server.
        local_port: Port of 127.0.0.1 that leads there too, for clients that take no socket, and for
            every user of this machine; 0: any free one; None: none.
        timeout: Seconds until the tunnel must be up.

    Raises:
        ConfigError: The key file or the known_hosts file is missing or unsafe.
        TunnelError: The tunnel did not come up; says why.
    """
    if bastion is None:
        yield DirectEndpoint(host, port)
        return
    bastion.check_files()
    with socket_folder("ssh") as folder:
        tunnel = TunnelProcess(
            name=str(bastion),
            command=lambda ends: bastion.command(ends, host, port),
            socket=str(folder / "s"),
            target=host if host.startswith("/") else f"{host}:{port}",
            known_hosts=bastion.known_hosts,
            host_settings=(bastion.setting("host"), bastion.setting("port")),
            bastion_address=(bastion.host, bastion.port),
            local_port=local_port,
            timeout=timeout,
            environment={**os.environ, "LC_ALL": "C"},
        )
        try:
            tunnel.ensure()
            log_event(
                logger, Event.TUNNEL_ESTABLISHED, local_port=tunnel.port, bastion=str(bastion)
            )
            yield tunnel
        finally:
            tunnel.close()
