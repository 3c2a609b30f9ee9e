"""Where the project says which name a table has in the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tidemark_core.names import LandingNames
from tidemark_core.settings import LANDING_NAMES

from tidemark.config.tables.loader_config import told


def read_landing_names(root: Path, environ: Mapping[str, str]) -> LandingNames:
    """The names that LANDING_NAMES gives, or else the config of target-redshift in load/.

    Args:
        root: The project.
        environ: The settings, as environment variables; an empty one is not set.

    Raises:
        ConfigError: They are invalid.
    """
    return LandingNames.parse(told(root, environ, LANDING_NAMES))
