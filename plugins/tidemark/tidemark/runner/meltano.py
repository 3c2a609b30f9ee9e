"""Runs Meltano as a child and reads what it writes, line by line."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from tidemark_core.host.leash import leashed


def program(name: str) -> str:
    """The path of a program of this environment."""
    return str(Path(sys.executable).parent / name)


def meltano_command(env_file: Path | None) -> list[str]:
    """Meltano of this environment, with the file of settings, if it is not the project's own."""
    command = [program("meltano"), "--log-format=json"]
    return command + (["--env-file", str(env_file)] if env_file else [])


def run_command(blocks: Sequence[str], env_file: Path | None) -> list[str]:
    """The command line of a run.

    Meltano's own guard is a row in its database on this machine, which after a crash refuses runs
    for five minutes; ``--force`` passes it by, because the lease is what keeps runs apart.
    """
    return [*meltano_command(env_file), "run", "--force", *blocks]


def run(
    command: Sequence[str], root: Path, environ: Mapping[str, str], read: Callable[[str], None]
) -> int:
    """Runs a command to its end; SIGTERM and SIGINT are handed on to it, and it ends with us.

    A handler that the caller has set for them is called as well.

    Args:
        command: Its words.
        root: Where it runs.
        environ: Its variables.
        read: Is given each line that it writes, on either stream.

    Returns:
        Its exit code, negative for the signal that ended it; a signal of ours that it was handed
        ended it, whatever it made of that.
    """
    handed_on: list[int] = []
    before: dict[int, Any] = {
        number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        # Its `with` closes the pipe and waits for the child's end.
        with subprocess.Popen(
            leashed(command),
            cwd=root,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as child:

            def hand_on(signum: int, frame: FrameType | None) -> None:
                handed_on.append(signum)
                child.send_signal(signum)
                own = before[signum]
                # Of a caller that goes on after the child. Python's own would leave it alone.
                if callable(own) and own is not signal.default_int_handler:
                    own(signum, frame)

            for number in before:
                signal.signal(number, hand_on)
            for line in child.stdout or ():
                read(line)
        return -handed_on[0] if handed_on and child.returncode else child.returncode
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
