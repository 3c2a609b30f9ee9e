"""Each package has a page, and that of a plugin lists its settings as they are declared."""

from __future__ import annotations

import importlib
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from tidemark_core.settings import Setting

PLUGINS = {
    "tap-mysql": "tap_mysql",
    "target-s3-parquet": "target_s3_parquet",
    "tap-s3-parquet": "tap_s3_parquet",
    "target-redshift": "target_redshift",
}


def line(setting: Setting) -> str:
    """A setting's line of the table."""
    default = setting.default
    if setting.required:
        shown = "**required**"
    elif default is None:
        shown = ""
    else:
        shown = f"`{str(default).lower() if isinstance(default, bool) else default}`"
    description = setting.description.replace("|", "\\|")
    return f"| `{setting.env}` | {shown} | {description} |"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugins_page_lists_its_settings(plugin: str, project_root: Path) -> None:
    settings = importlib.import_module(f"{PLUGINS[plugin]}.settings").SETTINGS
    table = "\n".join(map(line, settings))
    assert (
        f"|---|---|---|\n{table}\n" in (project_root / "plugins" / plugin / "README.md").read_text()
    )


def test_each_package_has_a_page_and_the_version_of_the_project(project_root: Path) -> None:
    projects = sorted(project_root.glob("plugins/*/pyproject.toml"))
    assert len(projects) > 9
    whole = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    for project in projects:
        assert (project.parent / "README.md").is_file(), project.parent
        own = tomllib.loads(project.read_text())["project"]
        assert "version" not in own, "it is written once"
        assert version(own["name"]) == whole["version"]
