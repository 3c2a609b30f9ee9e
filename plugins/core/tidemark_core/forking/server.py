"""A process that forks itself for each command it is asked for, any number at a time.

It has one thread, so that no fork inherits another thread's half-done work. What a command has
read, or leaves in memory, is gone with its fork.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidemark_core.forking.client import MOST
from tidemark_core.host.leash import end_with

#: Programs by the names of their files.
Programs = Mapping[str, Callable[[], object]]
_STREAMS = 3


@dataclass
class _Caller:
    """A process that asks for a command, and the one that runs it."""

    connection: socket.socket
    pid: int = 0
    #: Readable once the process has ended; not reaped before, so that its pid is not reused.
    end: int = -1


class ForkServer:
    """Serves until it is killed.

    Args:
        listener: Takes the connections, one for each command.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ)

    def serve(self, programs: Programs) -> object:
        """Forks for each command.

        Returns:
            In a fork, what its program does.
        """
        # Ctrl-C is for the command, which hears it too.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            for key, _ in self._selector.select():
                if self._selector.get_map().get(key.fd) is not key:
                    continue  # an earlier event of this list ended its command
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj == key.data.end:
                    self._ended(key.data)
                elif key.data.pid:
                    self._heard(key.data)
                elif (begun := self._begin(key.data)) is not None:
                    return _become(*begun, programs)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        self._selector.register(connection, selectors.EVENT_READ, _Caller(connection))

    def _begin(self, caller: _Caller) -> tuple[Any, list[int]] | None:
        """Forks; returns, in the fork, what was asked for and its streams."""
        asked, files = b"", list[int]()
        with suppress(OSError):
            asked, files, _, _ = socket.recv_fds(caller.connection, MOST, _STREAMS)
        if len(files) < _STREAMS:  # the caller ended before it asked
            self._forget(caller)
            return None
        parent, caller.pid = os.getpid(), os.fork()
        if caller.pid == 0:
            end_with(parent)
            self._close()
            return json.loads(asked), files
        for file in files:
            os.close(file)
        caller.end = os.pidfd_open(caller.pid)
        self._selector.register(caller.end, selectors.EVENT_READ, caller)
        return None

    def _heard(self, caller: _Caller) -> None:
        """Sends the command its caller's signal; kills it if the caller has ended."""
        word = b""
        with suppress(OSError):
            word = caller.connection.recv(MOST)
        os.kill(caller.pid, int(word or signal.SIGKILL))
        if not word:
            self._selector.unregister(caller.connection)

    def _ended(self, caller: _Caller) -> None:
        code = os.waitstatus_to_exitcode(os.waitpid(caller.pid, 0)[1])
        self._selector.unregister(caller.end)
        os.close(caller.end)
        with suppress(OSError):
            caller.connection.send(str(code).encode())
        self._forget(caller)

    def _forget(self, caller: _Caller) -> None:
        with suppress(KeyError):  # the caller ended before its command did
            self._selector.unregister(caller.connection)
        caller.connection.close()

    def _close(self) -> None:
        """Closes, in the fork, the files that belong to the server."""
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                key.data.connection.close()
            if isinstance(key.fileobj, int):
                os.close(key.fileobj)
        self._listener.close()
        self._selector.close()


def _become(asked: Any, files: list[int], programs: Programs) -> object:
    """Runs a command in this process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream, file in enumerate(files):
        os.dup2(file, stream)
        os.close(file)
    os.environ.clear()
    os.environ.update(asked["environ"])
    os.chdir(asked["root"])
    sys.argv = list(asked["words"])
    # What click tells the program's name by: else it is `python -m` of the server.
    sys.modules["__main__"].__package__ = None
    return programs[Path(sys.argv[0]).name]()
