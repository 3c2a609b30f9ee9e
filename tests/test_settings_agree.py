"""A setting is declared once, in its plugin; meltano.yml and .env.example are held against it."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tidemark.config.files.meltano_files import files
from tidemark_core.settings import OF_FILES, Setting

PLUGINS = {
    "tap-mysql": "tap_mysql",
    "target-s3-parquet": "target_s3_parquet",
    "tap-s3-parquet": "tap_s3_parquet",
    "target-redshift": "target_redshift",
    "tidemark": "tidemark.config",
}
#: Meltano's own variables, and those of files that are not a plugin's.
FOREIGN = {"MELTANO_ENVIRONMENT"}


def declared(plugin: str) -> dict[str, Setting]:
    settings = importlib.import_module(f"{PLUGINS[plugin]}.settings").SETTINGS
    return {setting.name: setting for setting in settings}


@pytest.fixture(scope="module")
def in_meltano(project_root: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in files(project_root):
        for kind in ("extractors", "loaders"):
            for plugin in yaml.safe_load(path.read_text()).get("plugins", {}).get(kind, []):
                found[plugin["name"]] = plugin
    return found


@pytest.fixture(scope="module")
def in_example(project_root: Path) -> dict[str, str]:
    lines = (project_root / ".env.example").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if re.match(r"[A-Z0-9_]+=", line)]
    assert len(pairs) == len({name for name, _ in pairs}), "a variable stands there twice"
    return dict(pairs)


@pytest.mark.parametrize("name", sorted(PLUGINS.keys() - {"tidemark"}))
def test_meltano_knows_each_setting_by_its_variable(
    name: str, in_meltano: dict[str, dict[str, Any]]
) -> None:
    listed = {setting["name"]: setting for setting in in_meltano[name]["settings"]}
    assert list(listed) == list(declared(name))
    for setting in declared(name).values():
        entry = listed[setting.name]
        assert entry.get("env_aliases", []) == [setting.env] * (setting not in OF_FILES)
        assert "kind" not in entry, "Meltano stops at an empty variable, or reads it as false"
        assert entry.get("sensitive", False) == setting.secret


def test_the_example_lists_every_variable_and_no_other(in_example: dict[str, str]) -> None:
    settings = [setting for name in PLUGINS for setting in declared(name).values()]
    every = {setting.env for setting in settings if setting not in OF_FILES}
    assert set(in_example) - FOREIGN == every


def test_the_example_shows_the_defaults(in_example: dict[str, str]) -> None:
    for name in PLUGINS:
        for setting in declared(name).values():
            if setting in OF_FILES:
                continue
            shown = in_example[setting.env]
            default = setting.default
            expected = "" if default is None else str(default)
            if isinstance(default, bool | list | dict):
                expected = json.dumps(default)
            assert shown == expected, setting.env


def test_the_example_marks_what_is_required(project_root: Path) -> None:
    marked = set()
    is_marked = False
    for line in (project_root / ".env.example").read_text().splitlines():
        if line.startswith("#"):
            is_marked = is_marked or line.startswith("# [required]")
        else:
            if is_marked and "=" in line:
                marked.add(line.split("=")[0])
            is_marked = False
    required = {
        setting.env for name in PLUGINS for setting in declared(name).values() if setting.required
    }
    assert marked == required


def test_two_plugins_that_share_a_variable_declare_the_same_setting() -> None:
    seen: dict[str, Setting] = {}
    for name in PLUGINS:
        for setting in declared(name).values():
            assert seen.setdefault(setting.env, setting) == setting
