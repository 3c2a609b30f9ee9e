"""Runs Meltano as a child and reads what it writes, line by line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tidemark_core.host.hand_on import handed_on
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

    Args:
        command: Its words.
        root: Where it runs.
        environ: Its variables.
        read: Is given each line that it writes, on either stream.

    Returns:
        Its exit code, negative for the signal that ended it. If it failed after we handed a signal
        on to it, that signal counts as what ended it, whatever its own exit code.
    """
    child = subprocess.Popen(
        leashed(command),
        cwd=root,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    # The child's own `with` closes the pipe and waits for its end; until then it gets our signals.
    with handed_on(child.send_signal) as handed, child:
        for line in child.stdout or ():
            read(line)
    return -handed[0] if handed and child.returncode else child.returncode
