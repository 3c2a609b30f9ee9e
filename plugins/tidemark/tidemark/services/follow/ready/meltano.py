"""Meltano, imported, with the project's files as it parses them."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from tidemark_core.forking.server import Programs

from tidemark.services.follow.ready.process import serve

logger = logging.getLogger("tidemark.follow")
#: What it imports late.
_LATE = (
    *("alembic.command", "alembic.context", "sqlalchemy.dialects.sqlite"),
    *("tidemark.state.backend", "tidemark.state.guard", "tidemark.job.leftovers"),
    "meltano.migrations.utils",
)


def _programs() -> Programs:
    from meltano.cli import main

    parse_project(Path.cwd())
    return {"meltano": main}


def parse_project(root: Path) -> None:
    """Parses the project's files: half of the CPU of a run with nothing to do.

    Meltano keeps what it has parsed by the content of the file, so a changed one is parsed again.
    """
    from meltano.core import yaml
    from meltano.core.project_files import ProjectFiles

    try:
        for file in ProjectFiles(root, root / "meltano.yml").include_paths:
            yaml.load(file)
    except Exception:  # no project, or one that cannot be read: the command says so
        logger.debug("the project was not read beforehand", exc_info=True)


if __name__ == "__main__":
    sys.exit(serve(_programs(), _LATE))  # type: ignore[arg-type]
