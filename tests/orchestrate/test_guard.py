"""What every run comes past, whoever starts it and with whatever umask."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tidemark.job.systemdb import empty_half_made

if TYPE_CHECKING:
    from projects.nights import Night

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
    slips = tmp_path / "slips.env"
    slips.touch(0o600)
    slips.write_text("BACKUP_BATCHSIZE=5\n")
    done = meltano(night, tmp_path, "--env-file", str(slips), "run", "sync", **BAD)
    assert done.returncode == 2
    assert "BACKUP_BATCHSIZE in" in done.stdout
    assert "BACKUP_BATCH_SIZE is one" in done.stdout
    for name in BAD:
        assert done.stdout.count(name) == 1
    assert "Traceback" not in done.stdout
    assert not left.exists()


#: What a Meltano has made that is killed before it notes the version of its first migration.
HALF_MADE = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
CREATE TABLE job (id INTEGER NOT NULL, job_id VARCHAR, PRIMARY KEY (id));
"""


@pytest.mark.fault(151)
def test_a_run_that_was_killed_while_it_made_the_system_database_needs_no_hand(
    night: Night, tmp_path: Path
) -> None:
    database = tmp_path / "meltano.db"
    with closing(sqlite3.connect(database)) as made:
        made.executescript(HALF_MADE)
    done = meltano(night, tmp_path, "run", "--force", "backup")
    assert done.returncode == 0, done.stdout
    assert "half-made" in done.stdout
    with closing(sqlite3.connect(database)) as made:
        (before,) = made.execute("SELECT count(*) FROM runs").fetchone()
    assert before > 0
    done = meltano(night, tmp_path, "run", "--force", "backup")
    assert "half-made" not in done.stdout
    with closing(sqlite3.connect(database)) as made:
        assert made.execute("SELECT count(*) FROM runs").fetchone() > (before,), "it is kept"


@pytest.mark.fault(151)
def test_what_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    assert not empty_half_made(tmp_path)
    (tmp_path / "meltano.db").write_text("no database" * 1000)
    assert not empty_half_made(tmp_path)
    assert (tmp_path / "meltano.db").read_text() == "no database" * 1000


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


@pytest.mark.fault(139)
@pytest.mark.security(22)
def test_what_meltano_writes_is_for_its_owner_alone(night: Night, tmp_path: Path) -> None:
    """The folder of a plugin's configuration, with passwords, and what is left of it in the end."""
    folder = tmp_path / "sys" / "run"
    done = meltano(night, folder.parent, "invoke", "tap-mysql", "--version")
    assert done.returncode == 0, done.stdout
    written = list((folder / "tap-mysql").rglob("*"))
    assert written
    for path in [folder, folder / "tap-mysql", *written]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
