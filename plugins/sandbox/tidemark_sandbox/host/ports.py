"""The block of a hundred TCP ports that one sandbox may use, all of them on 127.0.0.1."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from tidemark_core.host.local_ports import can_bind

from tidemark_sandbox.errors import SandboxError

HOST = "127.0.0.1"
BLOCK = 100
#: Both below Linux's default range of ephemeral ports (32768-60999), so that no outgoing connection
#: of another process can happen to use one of ours.
DEFAULT_BASE = 18200
_FREE_BLOCKS = range(20100, 32600, BLOCK)


@dataclass(frozen=True)
class Ports:
    """Every port of a sandbox, derived from the block's first one.

    The last two digits recall the usual port: 22 SSH, 33 S3 (8333), 06 MySQL, 39 Redshift.
    """

    base: int

    @property
    def forward_mysql(self) -> int:
        return self.base + 6

    @property
    def bastion(self) -> int:
        return self.base + 22

    @property
    def s3(self) -> int:
        return self.base + 33

    @property
    def forward_redshift(self) -> int:
        return self.base + 39

    @property
    def seaweedfs(self) -> dict[str, int]:
        """SeaweedFS's own servers behind S3, by the name of its ``weed mini`` flag."""
        names = (
            "s3.port.grpc",
            "master.port",
            "master.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "filer.port",
            "filer.port.grpc",
            "admin.port",
            "admin.port.grpc",
        )
        return {name: self.base + 81 + at for at, name in enumerate(names)}

    @property
    def seaweedfs_sockets(self) -> list[Path]:
        """The sockets that its gRPC servers leave in /tmp, with fixed names except for the port."""
        return [
            Path(f"/tmp/seaweedfs-{flag.split('.')[0]}-grpc-{port}.sock")  # noqa: S108
            for flag, port in self.seaweedfs.items()
            if flag.endswith(".grpc")
        ]

    @property
    def all(self) -> tuple[int, ...]:
        """Every port of the block that something may listen on."""
        return (
            self.forward_mysql,
            self.bastion,
            self.s3,
            self.forward_redshift,
            *self.seaweedfs.values(),
        )


def remove_sockets(ports: Ports) -> list[Path]:
    """Removes the sockets that SeaweedFS has left in /tmp.

    Otherwise a killed server blocks another account's server, which could neither use the old
    socket nor replace it, and would wait for its own parts for ever.

    Returns:
        Those that belong to another user and had to stay.
    """
    left = []
    for path in ports.seaweedfs_sockets:
        try:
            path.unlink(missing_ok=True)
        except PermissionError:
            left.append(path)
    return left


def free_blocks() -> Iterator[int]:
    """The bases of blocks in which every port is free now; another process may take one."""
    return (base for base in _FREE_BLOCKS if all(map(can_bind, Ports(base).all)))


def another_block(base: int) -> str:
    """What to type to have other ports than the block of ``base``."""
    other = next((free for free in free_blocks() if free != base), DEFAULT_BASE)
    return f"tidemark-sandbox up --port {other}"


def free_port_block() -> int:
    """Reserves a block in which every port is free, and returns its base.

    The block is ours until this process ends, even while nothing listens on it.

    Raises:
        SandboxError: No block is free.
    """
    for base in free_blocks():
        if _reserve(base) and not remove_sockets(Ports(base)):
            return base
    raise SandboxError("No block of 100 ports is free", hint="ss -ltnp")


def _reserve(base: int) -> bool:
    """Takes a lock that the kernel releases when this process ends."""
    path = Path(tempfile.gettempdir()) / f"tidemark-sandbox-ports-{base}.lock"
    try:
        lock = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:  # another user's
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    return True


def holder(port: int) -> str:
    """Who listens on a port, for a message: ``pid 123 (nginx)``, or that it cannot be seen."""
    found = [
        each.pid
        for each in psutil.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
    ]
    known = next((pid for pid in found if pid is not None), None)
    if known is None:
        return "a process of another user" if found else "a connection of another process"
    try:
        return f"pid {known} ({psutil.Process(known).name()})"
    except psutil.NoSuchProcess:
        return f"pid {known} (it has ended)"
