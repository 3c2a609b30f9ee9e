"""Reads the settings without Meltano: from ``.env``, overridden by the environment."""

from __future__ import annotations

import os
from pathlib import Path

from tidemark.config.env_file import check_private, read_environment
from tidemark.config.settings import SETTINGS


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
    """The project's ``.env``, overridden by the process's own variables; secrets from their files.

    Args:
        start: Where to look for the project; default: MELTANO_PROJECT_ROOT, else here.

    Raises:
        ConfigError: The file, or one with a secret, can be read by others.
    """
    root = project_root(start) if start else project_folder()
    secrets = [setting for setting in SETTINGS if setting.secret]
    return read_environment(env_file(root), os.environ, secrets, required=False)


def refuse_open_env_file() -> None:
    """Refuses to work with a ``.env`` that others can read.

    Raises:
        ConfigError: They can.
    """
    path = env_file(project_folder())
    if path.exists():
        check_private(path)
