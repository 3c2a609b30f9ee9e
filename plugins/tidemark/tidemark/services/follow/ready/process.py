"""A process that forks itself for the commands of a follower, and ends with it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from tidemark_core.forking.server import ForkServer, Programs
from tidemark_core.host.collector import spare_what_is_here
from tidemark_core.host.leash import leashed
from tidemark_core.host.temporary_folder import socket_folder
from tidemark_core.s3.session import preload

_STANDARD_INPUT = 0
#: A file beside the socket.
_SERVING = "serving"


class Process:
    """A process that forks itself.

    Args:
        module: What it runs; serves the socket that is its standard input.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._folder: Path | None = None
        self._resources = ExitStack()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def has_imported(self) -> bool:
        """Whether it serves: commands that it is asked for before wait."""
        return self._folder is not None and (self._folder / _SERVING).exists()

    @property
    def path(self) -> str:
        """Its socket, which nobody but this user reaches."""
        assert self._folder is not None  # noqa: S101 - it was begun
        return str(self._folder / "socket")

    def begin(self, root: Path, environ: Mapping[str, str]) -> None:
        """Starts it, unless it is running."""
        if self.process is not None and self.process.poll() is None:
            return
        self.end()
        self._folder = self._resources.enter_context(socket_folder("fork"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(self.path)
            listener.listen()
            self.process = subprocess.Popen(
                leashed([sys.executable, "-P", "-m", self._module]),
                cwd=root,
                env=dict(environ),
                stdin=listener.fileno(),
            )

    def end(self) -> None:
        """Ends it; commands that it runs end with it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self._resources.close()
        self.process = self._folder = None


def serve(programs: Programs, late: Iterable[str]) -> object:
    """What such a process does; returns in a fork, when its command is done.

    Args:
        programs: What it runs in forks.
        late: Modules that these import late, in every run.
    """
    for name in late:
        import_module(name)
    preload()
    spare_what_is_here()
    listener = socket.socket(fileno=os.dup(_STANDARD_INPUT))
    Path(listener.getsockname()).with_name(_SERVING).touch()
    return ForkServer(listener).serve(programs)
