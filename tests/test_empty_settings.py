"""`NAME=` in .env means "not set", to every program: the file can be copied as it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from singer_sdk import Tap, Target
from tap_mysql.settings import SETTINGS as TAP_MYSQL
from tap_mysql.singer.tap import TapMySQL
from tap_s3_parquet.settings import SETTINGS as TAP_S3_PARQUET
from tap_s3_parquet.singer.tap import TapS3Parquet
from target_redshift.settings import SETTINGS as TARGET_REDSHIFT
from target_redshift.singer.target import TargetRedshift
from target_s3_parquet.settings import SETTINGS as TARGET_S3_PARQUET
from target_s3_parquet.singer.target import TargetS3Parquet
from tidemark.config.project import Project
from tidemark.config.settings import GROUPS, SETTINGS
from tidemark_core.errors import ConfigError
from tidemark_core.settings import OF_FILES, Setting, resolve
from tidemark_core.typed_settings import read

PLUGINS: dict[type[Tap] | type[Target], tuple[Setting, ...]] = {
    TapMySQL: TAP_MYSQL,
    TapS3Parquet: TAP_S3_PARQUET,
    TargetS3Parquet: TARGET_S3_PARQUET,
    TargetRedshift: TARGET_REDSHIFT,
}


each_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)


@pytest.fixture(autouse=True)
def _no_lake(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tap of the lake looks into it as soon as it is made; here it is about its settings."""
    monkeypatch.setattr(TapS3Parquet, "discover_streams", lambda _: [])


@pytest.fixture(scope="module")
def names(project_root: Path) -> list[str]:
    """Every variable of the example."""
    text = (project_root / ".env.example").read_text()
    return re.findall(r"^([A-Z0-9_]+)=", text, re.M)


@pytest.fixture(scope="module")
def required() -> dict[str, str]:
    """A value for each setting that must have one."""
    every = (setting for settings in PLUGINS.values() for setting in settings)
    return {setting.env: "given" for setting in every if setting.required}


@pytest.fixture(scope="module")
def env_file(
    names: list[str], required: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The example, nothing filled in but what is required, and every default taken out."""
    path = tmp_path_factory.mktemp("empty") / "prod.env"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={required.get(name, '')}\n" for name in names))
    return path


def through_meltano(root: Path, plugin: str, env_file: Path, **environ: str) -> dict[str, Any]:
    """The config that Meltano hands to a plugin."""
    words: list[str | Path] = [
        root / ".venv/bin/meltano",
        "--env-file",
        env_file,
        "--environment",
        "prod",
    ]
    done = subprocess.run(
        [*words, "config", "print", plugin],
        cwd=root,
        env={"PATH": os.environ["PATH"], "MELTANO_CLI_DISABLE_VERSION_CHECK": "1"}
        | {"MELTANO_SYS_DIR_ROOT": str(env_file.parent / "sys")}
        | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    config: dict[str, Any] = json.loads(done.stdout)
    return config


@each_plugin
def test_every_empty_setting_is_as_absent_to_a_plugin(
    plugin: type[Tap] | type[Target],
    project_root: Path,
    env_file: Path,
    required: dict[str, str],
) -> None:
    settings = PLUGINS[plugin]
    config = through_meltano(project_root, plugin.name, env_file)
    handed = {setting.name for setting in settings if setting not in OF_FILES}
    assert config.keys() >= handed, "Meltano hands them all on"
    absent = {s.name: required[s.env] for s in settings if s.required}
    assert resolve(settings, plugin(config=config).config) == resolve(settings, absent)


@each_plugin
def test_an_empty_required_setting_is_named(plugin: type[Tap] | type[Target]) -> None:
    for missing in (setting for setting in PLUGINS[plugin] if setting.required):
        config = {s.name: "given" for s in PLUGINS[plugin] if s.required} | {missing.name: ""}
        with pytest.raises(ConfigError, match=f"{missing.env} is not set"):
            plugin(config=config)


@each_plugin
def test_a_wrong_value_is_named_by_its_variable(plugin: type[Tap] | type[Target]) -> None:
    """Meltano hands the text on as it is, so that we are the ones who say what is wrong with it."""
    given = {setting.name: "given" for setting in PLUGINS[plugin] if setting.required}
    wrong = [s for s in PLUGINS[plugin] if s.kind != "string" or s.choices]
    assert wrong
    for setting in wrong:
        with pytest.raises(ConfigError, match=rf"^{setting.env} must be"):
            plugin(config=given | {setting.name: "{bad"})


def test_every_empty_setting_is_as_absent_to_tidemark(
    env_file: Path, required: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.env, raising=False)
    project = Project.load(env_file)
    assert project.environ["DB_PORT"] == "", "the empty line was read"
    for group in GROUPS:
        assert project.read(group) == read(group, {}, required)


def test_filled_in_values_come_through_meltano_as_what_they_are(
    project_root: Path, env_file: Path
) -> None:
    given = {"REDSHIFT_SSL": "false", "REDSHIFT_PORT": "5440", "S3_BATCH_PREFIXES": '["a/"]'}
    given["REDSHIFT_TABLE_OPTIONS"] = '{"*": {"diststyle": "even"}}'
    config = through_meltano(project_root, TargetRedshift.name, env_file, **given)
    found = TargetRedshift(config=config).config
    assert found["redshift_ssl"] is False
    assert found["redshift_port"] == 5440
    assert found["s3_batch_prefixes"] == ["a/"]
    assert found["redshift_table_options"] == {"*": {"diststyle": "even"}}
