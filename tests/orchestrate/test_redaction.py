"""What Meltano shows of the configuration: never a secret."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

#: By plugin, the variables of its secrets.
SECRETS = {
    "tap-mysql": ("DB_PASSWORD",),
    "target-s3-parquet": ("S3_ACCESS_KEY", "S3_SECRET_KEY"),
    "tap-s3-parquet": ("S3_ACCESS_KEY", "S3_SECRET_KEY"),
    "target-redshift": ("REDSHIFT_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY"),
}


def shown(root: Path, *arguments: str, canary: str) -> str:
    names = {name for names in SECRETS.values() for name in names}
    result = subprocess.run(
        [str(root / ".venv" / "bin" / "meltano"), "config", *arguments],
        cwd=root,
        env=os.environ | dict.fromkeys(names, canary) | {"DB_HOST": "seen-all-the-same"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return result.stdout + result.stderr


@pytest.mark.security(8)
@pytest.mark.parametrize(
    ("plugin", "command", "stands_for_it"),
    [
        *((plugin, "print", '"*****"') for plugin in SECRETS),
        ("tap-mysql", "list", "current value: (redacted)"),
    ],
)
def test_meltano_config_shows_that_there_is_a_secret_but_not_which(
    project_root: Path, plugin: str, command: str, stands_for_it: str
) -> None:
    canary = "c4nary-of-the-redaction"
    text = shown(project_root, command, plugin, canary=canary)
    assert canary not in text
    assert text.count(stands_for_it) == len(SECRETS[plugin])
    assert ("seen-all-the-same" in text) == (plugin == "tap-mysql")
