"""Settings that no run can work with, named before it begins."""

from __future__ import annotations

from collections.abc import Mapping

from tap_mysql.settings import SETTINGS as TAP_MYSQL
from tap_s3_parquet.settings import SETTINGS as TAP_S3
from target_redshift.settings import SETTINGS as TARGET_REDSHIFT
from target_s3_parquet.settings import SETTINGS as TARGET_S3
from tidemark_core.errors import ConfigError

from tidemark.settings import SETTINGS

_ALL = (SETTINGS, TAP_MYSQL, TARGET_S3, TAP_S3, TARGET_REDSHIFT)


def refuse_bad_values(environ: Mapping[str, str]) -> None:
    """Stops a run whose settings are not of their type, or not among their choices.

    Settings that are missing are not looked for: which are needed depends on what is run.

    Raises:
        ConfigError: At least one is wrong; all of them are named.
    """
    problems = []
    for setting in {setting.env: setting for group in _ALL for setting in group}.values():
        try:
            setting.convert(environ.get(setting.env))
        except ConfigError as error:
            problems.append(error.message)
    if problems:
        raise ConfigError("; ".join(problems), hint="correct it in .env; tidemark config shows all")
