"""DB_SCHEMAS, the databases that are discovered besides DB_DATABASE, kept as the tables need it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from tap_mysql.settings import SETTINGS as TAP_MYSQL

from tidemark.config.project import Project
from tidemark.services.tables.project_files import ProjectFiles

NAME = "DB_SCHEMAS"
(_SETTING,) = (setting for setting in TAP_MYSQL if setting.env == NAME)


def further_schemas(project: Project) -> set[str]:
    """What DB_SCHEMAS says now.

    Raises:
        ConfigError: It is no JSON array.
    """
    return set(map(str, _SETTING.convert(project.environ.get(NAME)) or ()))


def keep_schemas(project: Project, files: ProjectFiles, schemas: Iterable[str]) -> str | None:
    """Lets DB_SCHEMAS name what is copied from.

    Args:
        project: Where we are.
        files: The project's files.
        schemas: What it is to name.

    Returns:
        What the operator has to set himself, where it is not in the file of settings; None: it is.
    """
    own = project.environ.get("DB_DATABASE", "")
    wanted = {name for name in schemas if name and name != own}
    if wanted == further_schemas(project) - {own}:
        return None
    overridden = project.env_file is None and NAME in os.environ and not _from_file(project)
    if overridden or not project.settings_file.exists():
        return f"export {NAME}='{json.dumps(sorted(wanted))}'"
    files.set_schemas(project.settings_file, wanted)
    return None


def _from_file(project: Project) -> bool:
    """Whether the environment says only what the file says, as under `meltano invoke`."""
    return os.environ.get(NAME) == project.in_file.get(NAME)
