"""Has dbt and Meltano read the project, in a process that is started before it is needed.

dbt takes seconds to import and to read a project for the first time; meanwhile MySQL can be
queried, and the user reads a diff.
"""

from __future__ import annotations

import gc
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from tidemark_core.errors import ConfigError

#: Variables that profiles.yml requires; no warehouse is asked.
_PROFILE = {"REDSHIFT_HOST": "-", "REDSHIFT_DATABASE": "-"}
_LINES = 12
_WORD = "read\n"


class Parser:
    """A process that waits for the word to read the project.

    Attributes:
        root: The project's folder.
    """

    def __init__(self, root: Path, process: subprocess.Popen[str]) -> None:
        self.root = root
        self._process = process

    def check(self) -> None:
        """Lets dbt and Meltano read the project.

        Raises:
            ConfigError: One of them cannot; with its own last words.
        """
        stdin = cast("IO[str]", self._process.stdin)
        stdin.write(_WORD)
        stdin.flush()
        self._ask_meltano()
        output, _ = self._process.communicate()
        if self._process.returncode:
            words = [line.rstrip() for line in output.splitlines() if line.strip()]
            raise _unreadable("dbt", "\n".join(words[-_LINES:]))

    def _ask_meltano(self) -> None:
        from meltano.core.project import Project

        try:
            _ = Project(self.root).meltano
        except Exception as error:  # whatever a bad file makes it raise
            raise _unreadable("Meltano", str(error)) from error


def _unreadable(reader: str, said: str) -> ConfigError:
    return ConfigError(
        f"{reader} cannot read the changed project:\n{said}",
        hint="all files are unchanged; correct the problem above, and run the command again",
    )


@contextmanager
def parser(root: Path, environ: Mapping[str, str]) -> Iterator[Parser]:
    """Begins a process that will read a project.

    Args:
        root: The project's folder.
        environ: Its variables.
    """
    transform = root / "transform"
    own = {"DBT_PROJECT_DIR": str(transform), "DBT_PROFILES_DIR": str(transform)}
    process = subprocess.Popen(
        [sys.executable, "-m", "tidemark.runner.parse"],
        env={**os.environ, **environ, **_PROFILE, **own, "DO_NOT_TRACK": "1"},
        cwd=transform,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        yield Parser(root, process)
    finally:
        process.kill()
        process.communicate()


def _main() -> int:
    gc.disable()  # it would look through what dbt has read again and again
    from dbt.cli.main import dbtRunner

    def read() -> bool:
        # What dbt has read is kept for the next time, apart from a build's own: having been read
        # with another profile, it is of no use to a build.
        places = ["--target-path", "target/parse", "--log-path", "target/parse"]
        done = dbtRunner().invoke(["--quiet", "--no-use-colors", "parse", *places])
        if done.exception is not None:
            print(f"dbt: {done.exception}")
        return done.success

    if not select.select([sys.stdin], [], [], 0)[0]:
        read()  # the unchanged project, so that afterwards only the changes are read
    if sys.stdin.readline() != _WORD:
        return 0
    return 0 if read() else 1


if __name__ == "__main__":
    sys.exit(_main())
