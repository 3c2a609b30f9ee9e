"""What the project decides about its loader: in load/*.meltano.yml, or by a variable that wins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidemark_core.settings import Setting

from tidemark.config.files.meltano_files import declarations


def told(root: Path, environ: Mapping[str, str], setting: Setting) -> Any:
    """The value of a setting that the project's files have.

    Args:
        root: The project.
        environ: The settings, as environment variables; an empty one is not set.
        setting: Which.

    Raises:
        ConfigError: It is not of its type.
    """
    return setting.convert(environ.get(setting.env) or _in_files(root, setting))


def _in_files(root: Path, setting: Setting) -> Any:
    found = None
    for _, _, plugin in declarations(root, "load", "target-redshift"):
        found = (plugin.get("config") or {}).get(setting.name, found)
    return found
