"""What every run comes past, whoever starts it and with whatever umask."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Night

BAD = {"BACKUP_MAX_WORKERS": "two", "S3_PARTITION_COLUMNS": "{bad"}


def meltano(
    night: Night, folder: Path, *words: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """A command of Meltano's as somebody types it, whose files others may read by default."""
    command = ["/bin/sh", "-c", 'umask 022 && cd "$0" && exec "$@"', str(night.root)]
    environ = night.settings | more | {"MELTANO_SYS_DIR_ROOT": str(folder)}
    program = str(night.root / ".venv/bin/meltano")
    return night.run([*command, program, *words], **environ, PATH=os.environ["PATH"])


@pytest.mark.fault(138)
@pytest.mark.fault(139)
def test_meltano_names_the_settings_that_are_wrong_and_clears_up_before_a_run(
    night: Night, tmp_path: Path
) -> None:
    left = tmp_path / "run" / "tap-mysql" / "tap.dead.config.json"
    left.parent.mkdir(parents=True)
    left.write_text('{"db_password": "in clear"}')
    os.utime(left, (0, 0))  # before any Meltano that lives on this machine
    done = meltano(night, tmp_path, "run", "sync", **BAD)
    assert done.returncode == 2
    for name in BAD:
        assert done.stdout.count(name) == 1
    assert "Traceback" not in done.stdout
    assert not left.exists()


@pytest.mark.fault(138)
def test_an_unattended_run_names_them_and_tells_people(night: Night) -> None:
    before = len(night.alerts)
    night.settings |= BAD
    try:
        done = night.job("sync")
    finally:
        for name in BAD:
            del night.settings[name]
    assert done.returncode == 2
    for name in BAD:
        assert done.stdout.count(name) == 1
    (alert,) = night.alerts[before:]
    assert alert["cause"]["kind"] == "ConfigError"


def test_they_can_be_looked_at_all_the_same(night: Night, tmp_path: Path) -> None:
    done = meltano(night, tmp_path, "invoke", "tidemark", "config", *BAD, **BAD)
    assert "BACKUP_MAX_WORKERS must be of type integer" in " ".join(done.stdout.split())


@pytest.mark.fault(139)
@pytest.mark.security(22)
def test_what_meltano_writes_is_for_its_owner_alone(night: Night, tmp_path: Path) -> None:
    """The folder of its plugins' configurations; what is in it has passwords."""
    folder = tmp_path / "sys"
    done = meltano(night, folder, "invoke", "tap-mysql", "--version")
    assert done.returncode == 0, done.stdout
    written = list((folder / "run").rglob("*"))
    assert written
    for path in [folder / "run", *written]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
