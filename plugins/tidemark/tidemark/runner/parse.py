"""Has dbt and Meltano read the project, in a process that is begun before it is needed.

Both take seconds to import, in which MySQL can be asked and a diff be read.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tidemark_core.errors import ConfigError

#: What profiles.yml asks for; no warehouse is.
_PROFILE = {"REDSHIFT_HOST": "-", "REDSHIFT_DATABASE": "-"}
_LINES = 12


class Parser:
    """A process that waits for the word to read the project."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def check(self) -> None:
        """Lets dbt and Meltano read the project.

        Raises:
            ConfigError: One of them cannot; with its own last words.
        """
        output, _ = self._process.communicate("parse\n")
        if self._process.returncode:
            words = [line.rstrip() for line in output.splitlines() if line.strip()]
            raise ConfigError(
                "the project could not be read as it would be:\n" + "\n".join(words[-_LINES:]),
                hint="all files are as they were; correct what is named, and repeat the command",
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
        [sys.executable, "-m", "tidemark.runner.parse", str(root)],
        env={**os.environ, **environ, **_PROFILE, **own, "DO_NOT_TRACK": "1"},
        cwd=transform,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        yield Parser(process)
    finally:
        process.kill()
        process.communicate()


def _main(root: Path) -> int:
    from dbt.cli.main import dbtRunner
    from meltano.core.project import Project

    if sys.stdin.readline() != "parse\n":
        return 0
    try:
        _ = Project(root).meltano
    except Exception as error:  # whatever Meltano makes of a file
        print(f"Meltano: {error}")
        return 1
    # What dbt has read is kept beside its own, for the next time: of another profile, it is of no
    # use to a build.
    places = ["--target-path", "target/parse", "--log-path", "target/parse"]
    done = dbtRunner().invoke(["--quiet", "--no-use-colors", "parse", *places])
    if done.exception is not None:
        print(f"dbt: {done.exception}")
    return 0 if done.success else 1


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
