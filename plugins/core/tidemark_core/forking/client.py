"""Has a fork server run a command with its own arguments, folder, variables and streams."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tidemark_core.host.hand_on import handed_on
from tidemark_core.host.leash import end_with

#: Variable that tells processes started by Meltano the socket of the fork server.
FORK_SERVER = "TIDEMARK_FORK_SERVER"
#: Most bytes of a message; a command's holds its arguments and variables.
MOST = 2**20
_OWN_STREAMS = (0, 1, 2)


class Forked:
    """A command that a fork server runs; it ends when this process does.

    Args:
        path: The server's socket.
        words: The command line; the first word's file name says which program it is.
        root: Where it runs.
        environ: Its variables.
        streams: Its standard input, output and error.

    Raises:
        OSError: The server cannot be reached.
    """

    def __init__(
        self,
        path: str,
        words: Sequence[str],
        root: Path,
        environ: Mapping[str, str],
        streams: Sequence[int],
    ) -> None:
        asked = {"words": list(words), "root": str(root), "environ": dict(environ)}
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST)
            self._connection.connect(path)
            socket.send_fds(self._connection, [json.dumps(asked).encode()], streams)
        except OSError:
            self._connection.close()
            raise

    def signal(self, number: int) -> None:
        """Sends it a signal, unless it has ended."""
        with suppress(OSError):
            self._connection.send(str(number).encode())

    def wait(self) -> int:
        """Waits for its end.

        Returns:
            Its exit code, negative for the signal that ended it; SIGKILL's if the server ended.
        """
        answer = b""
        with self._connection, suppress(OSError):
            answer = self._connection.recv(MOST)
        return int(answer or -signal.SIGKILL)


def fork_instead(words: Sequence[str], environ: Mapping[str, str]) -> None:
    """Ends this process with the exit code of its fork, where a fork server was named.

    Returns:
        Only if none was named or it cannot be reached: this process then runs the command.
    """
    if not environ.get(FORK_SERVER):
        return
    end_with(os.getppid())
    try:
        forked = Forked(environ[FORK_SERVER], words, Path.cwd(), environ, _OWN_STREAMS)
    except OSError:
        return
    with handed_on(forked.signal):
        code = forked.wait()
    if code < 0:
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
