"""A tunnel through the bastion for as long as somebody wants it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tidemark_sandbox.config import Config
from tidemark_sandbox.errors import PortTakenError, SandboxError
from tidemark_sandbox.ports import HOST, can_bind, free_port, holder
from tidemark_sandbox.ssh import ssh_command

_PATIENCE = 10.0


@dataclass(frozen=True)
class Tunnel:
    """An open tunnel.

    Attributes:
        port: Where it begins, on 127.0.0.1.
        ssh: The client that holds it open.
    """

    port: int
    ssh: subprocess.Popen[str]

    def wait(self) -> None:
        """Returns when the tunnel has been closed from the other side."""
        self.ssh.wait()


@contextlib.contextmanager
def open_tunnel(config: Config, target: Path, port: int | None = None) -> Iterator[Tunnel]:
    """Opens a port of 127.0.0.1 that leads through the bastion to a Unix socket behind it.

    Args:
        config: The sandbox.
        target: The socket.
        port: The local port; default: any free one.

    Raises:
        PortTakenError: Somebody has the port.
        SandboxError: The bastion does not let us through; with ssh's own words.
    """
    if port is not None and not can_bind(port):
        raise PortTakenError(
            f"Port {port} of 127.0.0.1 is taken by {holder(port)}", hint="choose one with --port"
        )
    local = port or free_port()
    ssh = subprocess.Popen(
        ssh_command(config, "-N", "-L", f"{HOST}:{local}:{target}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the client that uses the tunnel
    )
    try:
        _wait_open(ssh, local)
        yield Tunnel(local, ssh)
    finally:
        ssh.terminate()
        ssh.communicate()


def _wait_open(ssh: subprocess.Popen[str], port: int) -> None:
    limit = time.monotonic() + _PATIENCE
    while True:
        if ssh.poll() is not None:
            words = ssh.stderr.read().strip() if ssh.stderr else ""
            raise SandboxError(
                f"The bastion does not let us through: {words or 'ssh ended'}",
                hint="tidemark-sandbox status   (then: tidemark-sandbox up)",
            )
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        if time.monotonic() > limit:
            raise SandboxError("ssh opens no tunnel to the bastion", hint="tidemark-sandbox status")
        time.sleep(0.02)
