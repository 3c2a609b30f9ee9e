"""Every setting of every part: its value, where it comes from, whether it is good. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tap_mysql.settings import SETTINGS as TAP_MYSQL
from tap_s3_parquet.settings import SETTINGS as TAP_S3
from target_redshift.settings import SETTINGS as TARGET_REDSHIFT
from target_s3_parquet.settings import SETTINGS as TARGET_S3
from tidemark_core.errors import ConfigError
from tidemark_core.settings import Setting

from tidemark.config.settings import SETTINGS
from tidemark.services.health.checks import Level

_MASKED = "***"
_PARTS = {
    "tidemark": SETTINGS,
    "tap-mysql": TAP_MYSQL,
    "target-s3-parquet": TARGET_S3,
    "tap-s3-parquet": TAP_S3,
    "target-redshift": TARGET_REDSHIFT,
}


@dataclass(frozen=True)
class SettingView:
    """A setting as the operator sees it.

    Attributes:
        name: Its variable.
        value: As it is used; secrets masked; None: not set.
        source: ``.env``, ``environment``, ``default`` or ``-``.
        parts: Who uses it.
        level: OK, or ERROR when a run would refuse it.
        problem: Why.
        description: What it is.
    """

    name: str
    value: str | None
    source: str
    parts: str
    level: Level
    problem: str | None
    description: str


def all_settings() -> dict[str, tuple[Setting, list[str]]]:
    """Every setting, once, with the parts that use it."""
    found: dict[str, tuple[Setting, list[str]]] = {}
    for part, settings in _PARTS.items():
        for setting in settings:
            found.setdefault(setting.env, (setting, []))[1].append(part)
    return found


def view(
    file: Mapping[str, str], environ: Mapping[str, str], names: Iterable[str] = ()
) -> list[SettingView]:
    """Looks at every setting.

    Args:
        file: What ``.env`` says.
        environ: The process's variables; they win.
        names: Only these; empty: all.
    """
    wanted = frozenset(names)
    return [
        _view(setting, parts, file, environ)
        for name, (setting, parts) in all_settings().items()
        if not wanted or name in wanted
    ]


def _view(
    setting: Setting, parts: list[str], file: Mapping[str, str], environ: Mapping[str, str]
) -> SettingView:
    raw, source = None, "-"
    if environ.get(setting.env):
        raw, source = environ[setting.env], "environment"
    elif file.get(setting.env):
        raw, source = file[setting.env], ".env"
    elif setting.default is not None:
        source = "default"
    problem, value = None, None
    try:
        value = setting.convert(raw)
        if setting.required and value is None:
            problem = f"required: put {setting.env}=… into .env"
    except ConfigError as error:
        problem, value = error.message, raw
    shown = None if value is None else _MASKED if setting.secret else str(value)
    level = Level.ERROR if problem else Level.OK
    return SettingView(
        setting.env, shown, source, ", ".join(parts), level, problem, setting.description
    )
