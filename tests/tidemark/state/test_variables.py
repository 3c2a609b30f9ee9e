"""Meltano's settings see every change of the environment, which is decoded when it has changed."""

from __future__ import annotations

import os
import subprocess
import sys

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
