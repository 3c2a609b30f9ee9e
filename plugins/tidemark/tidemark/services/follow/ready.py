"""Meltano and dbt for a follower: imported once, by a process that forks itself for each command.

Their imports are more than a third of the CPU that a round takes. What such a process has read of
a project or run for a command it does not keep: that was in the fork, which has ended.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from tidemark_core.host.collector import spare_what_is_here
from tidemark_core.host.hand_on import handed_on
from tidemark_core.host.leash import end_with, leashed

_MOST = 2**20
#: What programs import late.
_NEEDED = ("dbt.cli.main", "dbt.adapters.redshift")
_STANDARD_INPUT, _STANDARD_OUTPUT, _STANDARD_ERROR = range(3)


class Ready:
    """Runs commands as `tidemark.runner.meltano.run` does, in forks of one process.

    That is begun with the first command, and again when it was killed.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def _begin(self, root: Path, environ: Mapping[str, str]) -> None:
        """Begins the process, unless there is one: it imports while others work."""
        if self._process is not None and self._process.poll() is None:
            return
        self.end()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST)
        with theirs:
            self._process = subprocess.Popen(
                leashed([sys.executable, "-P", "-m", __name__]),
                cwd=root,
                env=dict(environ),
                stdin=theirs.fileno(),
            )
        self._control = ours

    def end(self) -> None:
        """Ends the process; a command that it runs ends with it."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._control = None

    def run(
        self,
        command: Sequence[str],
        root: Path,
        environ: Mapping[str, str],
        read: Callable[[str], None],
    ) -> int:
        """Runs a command to its end, as its twin does.

        Args:
            command: Its words; the first one's file name says which program it is.
            root: Where it runs.
            environ: Its variables.
            read: Is given each line that it writes, on either stream.

        Returns:
            Its exit code, negative for the signal that ended it.
        """
        self._begin(root, environ)
        assert self._control is not None  # noqa: S101 - it was begun
        theirs, ours = os.pipe()
        asked = {"command": list(command), "root": str(root), "environ": dict(environ)}
        with suppress(OSError):  # it has ended: so it says nothing
            socket.send_fds(self._control, [json.dumps(asked).encode()], [ours])
        os.close(ours)
        with open(theirs, encoding="utf-8", errors="replace") as output:  # noqa: PTH123 - a pipe
            begun = self._answer()
            with handed_on(partial(_send, begun)) as handed:
                for line in output:
                    read(line)
                ended = -signal.SIGKILL if begun is None else self._answer()
        code = -signal.SIGKILL if ended is None else ended
        return -handed[0] if handed and code else code

    def _answer(self) -> int | None:
        """What the process says next; None: it has ended."""
        assert self._control is not None  # noqa: S101 - as above
        answer = b""
        with suppress(OSError):
            answer = self._control.recv(_MOST)
        return int(answer) if answer else None


def _send(pid: int | None, signum: int) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signum)


# -- the process


def _programs() -> Mapping[str, Callable[[], Any]]:
    """Imports all that commands need; gives their entries by the names of their files."""
    for name in _NEEDED:
        import_module(name)
    from meltano.cli import main as meltano

    from tidemark.dbt.run import main as tidemark_dbt

    spare_what_is_here()
    return {"meltano": meltano, "tidemark-dbt": tidemark_dbt}


def _serve() -> Any:
    """Forks for each command; returns in the fork, with the result of its program, or at the end.

    There is one thread only: nothing of another one's is left half done in a fork.
    """
    # Ctrl-C is for the command, which hears it too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    programs = _programs()
    with socket.socket(fileno=os.dup(_STANDARD_INPUT)) as control:
        while True:
            asked, files, _, _ = socket.recv_fds(control, _MOST, 1)
            if not asked:
                return 0
            parent, pid = os.getpid(), os.fork()
            if pid == 0:
                break
            os.close(files[0])
            control.send(str(pid).encode())
            control.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    end_with(parent)
    return _become(json.loads(asked), files[0], programs)


def _become(
    asked: Mapping[str, Any], output: int, programs: Mapping[str, Callable[[], Any]]
) -> Any:
    """Runs a command in this process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, _STANDARD_INPUT)
    for stream in (_STANDARD_OUTPUT, _STANDARD_ERROR):
        os.dup2(output, stream)
    for file in (nothing, output):
        os.close(file)
    os.environ.clear()
    os.environ.update(asked["environ"])
    os.chdir(asked["root"])
    sys.argv = list(asked["command"])
    return programs[Path(sys.argv[0]).name]()


if __name__ == "__main__":
    sys.exit(_serve())
