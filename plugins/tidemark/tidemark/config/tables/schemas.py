"""The databases that are discovered besides DB_DATABASE."""

from __future__ import annotations

from collections.abc import Mapping

from tap_mysql.settings import SETTINGS

#: The setting that names them.
(DB_SCHEMAS,) = (setting for setting in SETTINGS if setting.name == "db_schemas")


def further_schemas(environ: Mapping[str, str]) -> set[str]:
    """What DB_SCHEMAS says.

    Raises:
        ConfigError: It is not a JSON array.
    """
    return set(map(str, DB_SCHEMAS.convert(environ.get(DB_SCHEMAS.env)) or ()))
