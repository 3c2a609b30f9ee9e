"""The file of settings, and secrets that lie in files of their own."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from dotenv import dotenv_values
from tidemark_core.errors import ConfigError
from tidemark_core.host.trusted_file import is_foreign
from tidemark_core.settings import Setting

_SUFFIX = "_FILE"


def read_environment(
    path: Path, environ: Mapping[str, str], secrets: Iterable[Setting], *, required: bool
) -> dict[str, str]:
    """Reads a run's variables: the file's, overridden by the process's own; secrets in files last.

    Args:
        path: The ``.env`` file.
        environ: The process's own variables.
        secrets: Settings whose value may lie in the file that ``<NAME>_FILE`` names.
        required: Whether the file must exist.

    Raises:
        ConfigError: The file, or one with a secret, is missing or can be read by others.
    """
    values: dict[str, str] = {}
    if required or path.exists():
        check_private(path)
        found = dotenv_values(path, interpolate=False)
        values = {name: value for name, value in found.items() if value is not None}
    values |= environ
    return values | secrets_in_files(values, secrets)


def secrets_in_files(values: Mapping[str, str], secrets: Iterable[Setting]) -> dict[str, str]:
    """The secrets that are only in files of their own, named by ``<NAME>_FILE``.

    Raises:
        ConfigError: One of the files is missing or can be read by others.
    """
    found = {}
    for setting in secrets:
        name = setting.env + _SUFFIX
        if values.get(name) and not values.get(setting.env):
            file = Path(values[name])
            check_private(file)
            found[setting.env] = file.read_text().removesuffix("\n")
    return found


def check_private(path: Path) -> None:
    """Makes sure that a file with secrets is ours, or root's, and that no other user can read it.

    Raises:
        ConfigError: It is not.
    """
    try:
        info = path.stat()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}",
            hint=f"cp .env.example {path} && chmod 600 {path}, and fill it in",
        ) from error
    mode = stat.S_IMODE(info.st_mode)
    if mode & 0o077:
        raise ConfigError(
            f"{path} has mode {mode:04o}: other users can read the secrets in it",
            hint=f"chmod 600 {path}",
        )
    if is_foreign(info):
        raise ConfigError(
            f"{path} belongs to user {info.st_uid}, who could change what runs here",
            hint=f"chown {os.geteuid()} {path}",
        )
