"""The server that is followed, and a replica of it that takes its place behind the bastion."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from servers import Server, clone, wait_for
from tidemark_core.host.local_ports import free_port
from tidemark_sandbox.world import Sandbox, source

from following.tables import DATABASE


class Sources:
    """A server, and its replica, which may take its place.

    Whoever comes through the bastion, or by the world's own socket, reaches the one that is first.

    Args:
        world: Its own server is the first.
        replica: The other one.
    """

    def __init__(self, world: Sandbox, replica: Server) -> None:
        self._place = Path(world.source.address)
        self._numbered = {1: Server(world.source, free_port(), DATABASE), 2: replica}
        self._first = 1

    @property
    def first(self) -> Server:
        """The one that is written to."""
        return self._numbered[self._first]

    def begin(self) -> None:
        """Starts both, one as the other's replica."""
        for number, server in self._numbered.items():
            server.start(number)
        self._numbered[2].follow(self._numbered[1])

    def restart(self) -> None:
        """Kills the first one, as the kernel does, and starts it again."""
        self._kill()
        self.first.start(self._first)

    def fail_over(self, *, planned: bool) -> None:
        """The first one is killed, for ever, and the replica takes its place.

        Args:
            planned: Nobody writes any more, and the replica has everything, before that.
        """
        old, new = self._numbered[1], self._numbered[2]
        if planned:
            old.sql("SET GLOBAL read_only = ON")
            old.sql("FLUSH TABLES")
            wait_for(lambda: self._has_all(old, new))
        self._kill()
        new.sql("STOP REPLICA")
        new.sql("RESET REPLICA ALL")
        self._first = 2
        self._place.unlink(missing_ok=True)
        self._place.symlink_to(new.socket)

    def _kill(self) -> None:
        daemon = self.first.part.daemon
        process = daemon.find()
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        daemon.wait_gone(process)

    def _has_all(self, old: Server, new: Server) -> bool:
        """Whether what the log of the one has is in the log of the other."""
        if old.is_mysql:
            ((executed,),) = old.sql("SELECT @@GLOBAL.gtid_executed")
            return new.sql("SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)", executed) == [(1,)]
        question = "SELECT @@GLOBAL.gtid_binlog_pos"
        return old.sql(question) == new.sql(question)


@contextmanager
def two_sources(world: Sandbox) -> Iterator[Sources]:
    """The world's own server, which is started again, and a replica with a copy of its data."""
    folder = Path(tempfile.mkdtemp(prefix="tidemark-replica-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        config = replace(world.config, dir=folder, sockets=folder / "s")
        for needed in (config.inner, config.logs, config.run):
            needed.mkdir(mode=0o700, parents=True)
        config.tls.symlink_to(world.config.tls)
        replica = Server(source(config), free_port(), DATABASE)
        world.source.stop()
        clone(world.source, replica.part)
        stack.callback(replica.part.stop)
        sources = Sources(world, replica)
        sources.begin()
        yield sources
