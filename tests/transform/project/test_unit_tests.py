"""The unit tests of the models: what the rules of the project's SQL are, told on a few rows."""

from __future__ import annotations

import yaml
from dbt_project.project import TRANSFORM, Dbt, Landing


def test_every_unit_test_passes(built: Landing, dbt: Dbt) -> None:
    files = (TRANSFORM / "models").glob("**/_unit_tests.yml")
    told = [t["name"] for file in files for t in yaml.safe_load(file.read_text())["unit_tests"]]
    nodes = dbt("test", "--select", "test_type:unit").nodes
    passed = {
        key.split(".")[-1]: node["status"]
        for key, node in nodes.items()
        if key.startswith("unit_test.")
    }
    assert passed == dict.fromkeys(told, "pass")
