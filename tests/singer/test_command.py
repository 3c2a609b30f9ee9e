"""The console script of a plugin and ``python -m`` are one command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = ("tap-mysql", "tap-s3-parquet", "target-s3-parquet", "target-redshift")


def run(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_starts_alike_by_its_script_and_by_its_module(plugin: str) -> None:
    script = str(Path(sys.executable).with_name(plugin))
    module = (sys.executable, "-m", plugin.replace("-", "_"))
    about = ("--about", "--format=json")
    code, text = run(script, *about)
    assert (code, json.loads(text)["name"]) == (0, plugin)
    assert run(*module, *about) == (code, text)
    assert run(*module, "--no-such-option")[0] == 2
