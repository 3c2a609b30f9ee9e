"""DB_SCHEMAS, the databases that are discovered besides DB_DATABASE, kept as the tables need it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from tidemark.config.project import Project
from tidemark.config.tables.schemas import DB_SCHEMAS, further_schemas
from tidemark.services.tables.project_files import ProjectFiles

_NAME = DB_SCHEMAS.env


def keep_schemas(project: Project, files: ProjectFiles, schemas: Iterable[str]) -> str | None:
    """Makes DB_SCHEMAS name the databases that are copied from.

    Args:
        project: Where we are.
        files: The project's files.
        schemas: What it is to name.

    Returns:
        What the operator has to set, if it is not in the file of settings; None: it is.
    """
    own = project.database
    wanted = {name for name in schemas if name and name != own}
    if wanted == further_schemas(project.environ) - {own}:
        return None
    overridden = project.env_file is None and _NAME in os.environ and not _from_file(project)
    if overridden or not project.settings_file.exists():
        return f"export {_NAME}='{json.dumps(sorted(wanted))}'"
    files.set_schemas(project.settings_file, wanted)
    return None


def _from_file(project: Project) -> bool:
    """Whether the environment says only what the file says, as under `meltano invoke`."""
    return os.environ.get(_NAME) == project.in_file.get(_NAME)
