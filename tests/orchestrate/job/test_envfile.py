"""Files with secrets are private, or refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tidemark.config.env_file import read_environment
from tidemark.config.project import Project
from tidemark_core.errors import ConfigError
from tidemark_core.settings import Setting

PASSWORD = Setting("db_password", "Password.", secret=True)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text("DB_HOST=db\nDB_PASSWORD=p$HOME'x\nS3_REGION=\n")
    path.chmod(0o600)
    return path


def read(path: Path, environ: dict[str, str], *, required: bool = True) -> dict[str, str]:
    return read_environment(path, environ, [PASSWORD], required=required)


def test_the_environment_wins_and_nothing_is_expanded(env_file: Path) -> None:
    values = read(env_file, {"DB_HOST": "other"})
    assert values["DB_HOST"] == "other"
    assert values["DB_PASSWORD"] == "p$HOME'x"
    assert values["S3_REGION"] == ""


@pytest.mark.security(21)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o601])
def test_a_file_that_others_can_touch_is_refused_with_the_remedy(env_file: Path, mode: int) -> None:
    env_file.chmod(mode)
    with pytest.raises(ConfigError, match=f"mode {mode:04o}") as error:
        read(env_file, {})
    assert error.value.hint == f"chmod 600 {env_file}"


@pytest.mark.security(21)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(env_file: Path) -> None:
    os.chown(env_file, 12345, -1)
    with pytest.raises(ConfigError, match="belongs to user 12345"):
        read(env_file, {})


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "none", {})
    assert read(tmp_path / "none", {"A": "b"}, required=False) == {"A": "b"}


def test_a_secret_may_lie_in_a_file_of_its_own(env_file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "db_password"
    secret.write_text("from the file\n")
    secret.chmod(0o400)
    given = {"DB_PASSWORD_FILE": str(secret)}
    assert read(tmp_path / "none", given, required=False)["DB_PASSWORD"] == "from the file"
    assert read(env_file, given)["DB_PASSWORD"] == "p$HOME'x", "the variable itself wins"
    secret.chmod(0o444)
    with pytest.raises(ConfigError, match="mode 0444"):
        read(tmp_path / "none", given, required=False)


def test_every_command_finds_a_secret_in_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, settings = tmp_path / "secret", tmp_path / "x.env"
    for path, text in ((secret, "from the file\n"), (settings, f"DB_PASSWORD_FILE={secret}\n")):
        path.touch(mode=0o600)
        path.write_text(text)
    monkeypatch.delenv("DB_PASSWORD", raising=False)
    assert Project.load(settings).environ["DB_PASSWORD"] == "from the file"
    monkeypatch.setenv("TIDEMARK_ENV_FILE", str(settings))
    assert Project.load().environ["DB_PASSWORD"] == "from the file"
    settings.chmod(0o644)
    with pytest.raises(ConfigError, match="mode 0644"):
        Project.load()
