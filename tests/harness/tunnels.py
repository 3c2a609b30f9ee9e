"""What tests ask of a tunnel: the server behind it, and why it does not stand."""

from __future__ import annotations

import socket
import time

import pytest
from tidemark_core.errors import TunnelError
from tidemark_core.ssh.bastion import Bastion
from tidemark_core.ssh.tunnel import open_endpoint


def greeting(path: str | None) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        return connection.recv(64)


def failure(bastion: Bastion, host: str) -> TunnelError:
    began = time.monotonic()
    with pytest.raises(TunnelError) as raised, open_endpoint(bastion, host, 0):
        pass
    assert time.monotonic() - began < 30
    return raised.value
