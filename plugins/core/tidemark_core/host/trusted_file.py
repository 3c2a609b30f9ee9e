"""Files that establish trust: only their owner may write them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tidemark_core.errors import ConfigError


def is_foreign(info: os.stat_result) -> bool:
    """Whether a file belongs to a user other than us and root, who could change it."""
    return info.st_uid not in (0, os.geteuid())


def check_trusted(path: str, setting: str) -> None:
    """Makes sure that nobody else can change a file that says whom to trust.

    Args:
        path: Of known_hosts, or of an authority's certificate.
        setting: Environment variable that names it.

    Raises:
        ConfigError: It is not there, belongs to another user, or others can write it.
    """
    try:
        info = Path(path).expanduser().stat()
    except OSError as error:
        raise ConfigError(
            f"the file {path} cannot be read: {error.strerror}", hint=f"correct {setting}"
        ) from error
    if not stat.S_ISREG(info.st_mode):
        raise ConfigError(f"{path} is not a file", hint=f"correct {setting}")
    if is_foreign(info):
        raise ConfigError(
            f"{path} belongs to user {info.st_uid}, who could change what it trusts",
            hint=f"chown {os.geteuid()} {path}",
        )
    if info.st_mode & 0o022:
        raise ConfigError(
            f"{path} has mode {stat.S_IMODE(info.st_mode):04o}: other users could change what it "
            "trusts",
            hint=f"chmod go-w {path}",
        )
