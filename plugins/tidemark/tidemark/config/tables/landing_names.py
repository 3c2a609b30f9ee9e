"""Where the project says which name a table has in the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidemark_core.names import LandingNames
from tidemark_core.settings import LANDING_NAMES

from tidemark.config.files.meltano_files import declarations


def read_landing_names(root: Path, environ: Mapping[str, str]) -> LandingNames:
    """The names that LANDING_NAMES gives, or else the config of target-redshift in load/.

    Args:
        root: The project.
        environ: The settings, as environment variables; an empty one is not set.

    Raises:
        ConfigError: They are invalid.
    """
    told = environ.get(LANDING_NAMES.env) or _in_files(root)
    return LandingNames.parse(LANDING_NAMES.convert(told))


def _in_files(root: Path) -> Any:
    found = None
    for _, _, plugin in declarations(root, "load", "target-redshift"):
        found = (plugin.get("config") or {}).get(LANDING_NAMES.name, found)
    return found
