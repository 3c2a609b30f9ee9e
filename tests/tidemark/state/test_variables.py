"""Meltano's settings see every change of the environment, which is decoded when it has changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tidemark.state.variables import variables

#: What Meltano's own property is, taken before ours is put in its place.
_OF_MELTANO = """
import os
from types import SimpleNamespace
from meltano.core.settings_service import SettingsService
from tidemark.state.variables import install

os.environ["WITH_A_BYTE"] = "\\udcff"
before, service = SettingsService.env, SimpleNamespace(env_override={"HOME": "elsewhere"})
install()
assert SettingsService.env is not before
assert SettingsService.env.fget(service) == before.fget(service)
os.environ["ADDED"] = "1"
del os.environ["WITH_A_BYTE"]
assert SettingsService.env.fget(service) == before.fget(service)
"""

#: Prints how often Meltano makes variables of a plugin's settings: by itself, and with ours.
_OF_PLUGINS = """
import os, sys
from pathlib import Path
from meltano.core.plugin.settings_service import PluginSettingsService
from meltano.core.project import Project
from meltano.core.settings_service import SettingsService
from tidemark.state.variables import install

os.environ["S3_BUCKET_NAME"] = "here"
project = Project(Path(sys.argv[1]))
made, as_env = 0, SettingsService.as_env
def counted(*words, **named):
    global made
    made += 1
    return as_env(*words, **named)

def everything():
    global made
    made, found = 0, []
    for plugin in project.plugins.plugins():
        service = PluginSettingsService(project, plugin)
        for extras in (False, True):
            config = service.config_with_metadata(extras=extras)
            found.append({name: (at["value"], at["source"]) for name, at in config.items()})
            found.append(service.as_env(extras=extras))
    return made, found

SettingsService.as_env = counted
before, theirs = everything()
install()
after, ours = everything()
assert ours == theirs
os.environ["S3_BUCKET_NAME"] = "there"
again = everything()[1]
assert again != ours
SettingsService.as_env = counted
assert again == everything()[1]
print(before, after)
"""


def test_a_setting_sees_what_meltano_would_see() -> None:
    subprocess.run([sys.executable, "-c", _OF_MELTANO], check=True)


def test_the_variables_are_decoded_when_they_have_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = variables()
    assert variables() is before
    monkeypatch.setenv("ADDED", "é")
    after = variables()
    assert after == before | {"ADDED": "é"} == dict(os.environ)
    assert variables() is after
    monkeypatch.delenv("ADDED")
    assert "ADDED" not in variables()


def test_what_the_extras_of_a_plugin_see_is_made_once_per_reading(project_root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _OF_PLUGINS, str(project_root)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    before, after = map(int, done.stdout.split()[-2:])
    assert after < before / 2
