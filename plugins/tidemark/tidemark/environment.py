"""Where the settings come from when there is no Meltano around: ``.env``, then the environment."""

from __future__ import annotations

import os
from pathlib import Path

from dotenv import dotenv_values


def project_root(start: Path) -> Path:
    """The folder of ``meltano.yml`` at or above ``start``; ``start`` itself if there is none."""
    for folder in (start, *start.parents):
        if (folder / "meltano.yml").is_file():
            return folder
    return start


def project_folder() -> Path:
    """The project that we were started in: MELTANO_PROJECT_ROOT, else at or above this folder."""
    return project_root(Path(os.environ.get("MELTANO_PROJECT_ROOT") or Path.cwd()))


def env_file(root: Path) -> Path:
    """The project's ``.env``, or the file that TIDEMARK_ENV_FILE names in its place."""
    return Path(os.environ.get("TIDEMARK_ENV_FILE") or root / ".env")


def load_environment(start: Path | None = None) -> dict[str, str]:
    """The project's ``.env`` under the process's own variables, as Meltano has it.

    Args:
        start: Where to look for the project; default: MELTANO_PROJECT_ROOT, else here.
    """
    root = project_root(start) if start else project_folder()
    values = dotenv_values(env_file(root), interpolate=False)
    return {name: value for name, value in values.items() if value is not None} | dict(os.environ)
