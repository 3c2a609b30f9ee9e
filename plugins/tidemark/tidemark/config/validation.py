"""Finds invalid settings, and those that nothing reads, before a run begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from tap_mysql.settings import SETTINGS as TAP_MYSQL
from tap_s3_parquet.settings import SETTINGS as TAP_S3
from target_redshift.settings import SETTINGS as TARGET_REDSHIFT
from target_s3_parquet.settings import SETTINGS as TARGET_S3
from tidemark_core.errors import ConfigError
from tidemark_core.names import LandingNames
from tidemark_core.settings import LANDING_NAMES, SUPER_COLUMNS, Setting
from tidemark_core.text.documents import Json
from tidemark_core.types.super_columns import SuperColumns

from tidemark.config.settings import SETTINGS

_ALL = (SETTINGS, TAP_MYSQL, TARGET_S3, TAP_S3, TARGET_REDSHIFT)
#: Variables that are not settings of ours: Meltano, dbt, AWS's libraries and the parts read them.
_OTHERS = frozenset({"RESTORE_URL", "LOG_FORMAT", "LOG_PROGRESS_SECONDS"})
_OTHERS_BEGIN = ("MELTANO_", "TIDEMARK_", "TAP_", "TARGET_", "DBT_", "AWS_", "SSH_AUTH_")
#: What reads more of a setting than its type.
_PARSED: dict[str, Callable[[Json], object]] = {
    LANDING_NAMES.name: LandingNames.parse,
    SUPER_COLUMNS.name: SuperColumns.parse,
}
#: How similar a name must be to one of ours to count as a misspelling of it.
_ALIKE = 0.8


def refuse_bad_values(environ: Mapping[str, str]) -> None:
    """Stops a run whose settings are not of their type, or not among their choices.

    Settings that are missing are not looked for: which are needed depends on what is run.

    Raises:
        ConfigError: At least one is wrong; all of them are named.
    """
    problems = []
    for setting in _known().values():
        try:
            setting.convert(environ.get(setting.env))
            if parse := _PARSED.get(setting.name):
                parse(setting.convert(environ.get(setting.env)))
        except ConfigError as error:
            problems.append(error.message)
    if problems:
        raise ConfigError(
            "; ".join(problems), hint="correct it in .env; tidemark config shows all settings"
        )


def unknown_settings(names: Iterable[str]) -> dict[str, str]:
    """The names of a file of settings that nothing reads.

    Names that resemble none of ours belong to other programs, and are ignored.

    Args:
        names: What the file sets.

    Returns:
        By name, what is probably meant, as the end of a sentence; empty if none of ours is close.
    """
    known = _known()
    read = {*known, *(f"{name}_FILE" for name, setting in known.items() if setting.secret)}
    families = {name.partition("_")[0] for name in known}
    found = {}
    for name in names:
        if name in read | _OTHERS or name.startswith(_OTHERS_BEGIN):
            continue
        near = get_close_matches(name.upper(), known, n=1, cutoff=_ALIKE)
        if near:
            found[name] = f"; {near[0]} is one"
        elif name.partition("_")[0] in families:
            found[name] = ""
    return found


def _known() -> dict[str, Setting]:
    return {setting.env: setting for group in _ALL for setting in group}
