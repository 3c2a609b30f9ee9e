"""A tunnel through the bastion for as long as it is needed."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tidemark_core.host.local_ports import can_bind, free_port
from tidemark_core.ssh.process import STANDS_OPTIONS, TUNNEL_STANDS

from tidemark_sandbox.access.ssh import ssh_command
from tidemark_sandbox.errors import PortTakenError, SandboxError
from tidemark_sandbox.host.ports import HOST, holder
from tidemark_sandbox.settings.config import Config

_PATIENCE = 30.0


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
        PortTakenError: Another process has the port.
        SandboxError: The bastion does not let us through; with ssh's own words.
    """
    if port is not None and not can_bind(port):
        raise PortTakenError(
            f"Port {port} of 127.0.0.1 is taken by {holder(port)}", hint="choose one with --port"
        )
    with contextlib.ExitStack() as stack:
        yield _open(stack, config, target, port)


def _open(stack: contextlib.ExitStack, config: Config, target: Path, port: int | None) -> Tunnel:
    """Opens a tunnel that ``stack`` closes; takes another free port if this one was just taken."""
    while True:
        local = port or free_port()
        with contextlib.ExitStack() as undo:
            ssh = _start(config, f"{HOST}:{local}:{target}")
            undo.callback(_end, ssh)
            words = _first_words(ssh)
            if words == TUNNEL_STANDS:
                stack.push(undo.pop_all())
                return Tunnel(local, ssh)
            if port is None and "Address already in use" in words:
                continue
            raise SandboxError(
                f"The bastion refused the connection: {words or 'ssh ended'}",
                hint="tidemark-sandbox status   (then: tidemark-sandbox up)",
            )


def _start(config: Config, forward: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ssh_command(config, *STANDS_OPTIONS, "-N", "-L", forward),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SHELL": "/bin/sh"},  # which runs LocalCommand
        start_new_session=True,  # Ctrl-C is for the client that uses the tunnel
    )


def _end(ssh: subprocess.Popen[str]) -> None:
    ssh.terminate()
    ssh.communicate()


def _first_words(ssh: subprocess.Popen[str]) -> str:
    """What ssh says first: that the tunnel is open, or the whole reason why it is not."""
    assert ssh.stderr is not None  # noqa: S101 - opened with a pipe
    ready, _, _ = select.select([ssh.stderr], [], [], _PATIENCE)
    if not ready:
        raise SandboxError(
            "ssh did not open a tunnel to the bastion", hint="tidemark-sandbox status"
        )
    words = ssh.stderr.readline().strip()
    return words if words == TUNNEL_STANDS else f"{words}\n{ssh.stderr.read()}".strip()
