"""More servers of the source's kind: one that takes over, one that replicates from it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidemark_core.host.local_ports import free_port
from tidemark_sandbox.parts.source import Source as Part
from tidemark_sandbox.world import source

if TYPE_CHECKING:
    from tidemark_sandbox.world import Sandbox

#: A database that such a server leaves out of its log.
UNLOGGED = "unlogged"
_SECONDS = 30.0
_PASSWORD = "replicates-1"


@dataclass(frozen=True)
class Server:
    """A server beside the sandbox's own, with the same users.

    Attributes:
        part: It, as the sandbox sees a source.
        port: Where replicas reach it; everybody else comes by its socket.
        database: The tests' database.
    """

    part: Part
    port: int
    database: str

    @property
    def socket(self) -> str:
        return self.part.address

    @property
    def is_mysql(self) -> bool:
        return self.part.name == "mysql"

    def sql(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self.part.query(statement, arguments or None, database=self.database)

    @contextmanager
    def session(self) -> Iterator[Callable[[str], None]]:
        """A session for statements that belong together."""
        with (
            closing(self.part.connect(database=self.database)) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor.execute

    def start(self, number: int) -> None:
        self.part.prepare()
        options = (
            f"--server-id={number}", f"--port={self.port}", "--bind-address=127.0.0.1",
            "--skip-networking=OFF", "--innodb-buffer-pool-size=32M",
            f"--binlog-ignore-db={UNLOGGED}",
        )  # fmt: skip
        self.part.launch([*self.part.command(), *options])
        self.part.provision()

    def follow(self, primary: Server) -> None:
        """Makes it a replica; both have nothing yet that the other one has not."""
        word = "SOURCE" if self.is_mysql else "MASTER"
        change = "CHANGE REPLICATION SOURCE" if self.is_mysql else "CHANGE MASTER"
        key = ", GET_SOURCE_PUBLIC_KEY = 1" if self.is_mysql else ""
        for server in (primary, self):  # else a GTID of the one may be known to the other
            server.sql("RESET BINARY LOGS AND GTIDS" if self.is_mysql else "RESET MASTER")
        primary.sql(f"CREATE USER replicator@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}'")
        primary.sql("GRANT REPLICATION SLAVE ON *.* TO replicator@'127.0.0.1'")
        self.sql(
            f"{change} TO {word}_HOST = '127.0.0.1', {word}_PORT = {primary.port}, "
            f"{word}_USER = 'replicator', {word}_PASSWORD = '{_PASSWORD}'{key}"
        )
        self.sql("START REPLICA")


def wait_for(done: Callable[[], object]) -> None:
    """Waits until something is true."""
    limit = time.monotonic() + _SECONDS
    while not done():
        assert time.monotonic() < limit, "it does not come"
        time.sleep(0.05)


@contextmanager
def more_servers(sandbox: Sandbox, count: int, database: str) -> Iterator[Sequence[Server]]:
    """Starts servers with an empty database of the tests; removes them in the end."""
    # A socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="tidemark-servers-"))
    started: list[Server] = []
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        for number in range(1, count + 1):
            home = folder / str(number)
            config = replace(sandbox.config, dir=home, sockets=home / "s")
            for needed in (config.inner, config.logs, config.run):
                needed.mkdir(mode=0o700, parents=True)
            config.tls.symlink_to(sandbox.config.tls)
            server = Server(source(config), free_port(), database)
            if started:
                clone(started[0].part, server.part)
            stack.callback(server.part.stop)
            started.append(server)
            if number == 1:
                server.part.prepare()
        for number, server in enumerate(started, 101):
            server.start(number)
            server.part.query(f"CREATE DATABASE {database} CHARACTER SET utf8mb4")
            reader = sandbox.env()["DB_USER"]
            server.part.query(f"GRANT SELECT, SHOW VIEW ON {database}.* TO {reader}@localhost")
        yield started


def clone(first: Part, other: Part) -> None:
    """Takes over a fresh data folder, which is quicker than to make one."""
    other.folder.mkdir(mode=0o700)
    shutil.copytree(first.data, other.data)
    (other.data / "auto.cnf").unlink(missing_ok=True)
