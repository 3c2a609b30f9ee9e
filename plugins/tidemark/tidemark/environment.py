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


def load_environment(start: Path | None = None) -> dict[str, str]:
    """The project's ``.env`` under the process's own variables, as Meltano has it.

    Args:
        start: Where to look for the project; default: MELTANO_PROJECT_ROOT, else here.
    """
    where = start or Path(os.environ.get("MELTANO_PROJECT_ROOT") or Path.cwd())
    values = dotenv_values(project_root(where) / ".env", interpolate=False)
    return {name: value for name, value in values.items() if value is not None} | dict(os.environ)
