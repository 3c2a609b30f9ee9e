"""The tags that choose what a nightly build tests."""

from __future__ import annotations

import json

from dbt_project.project import Dbt, Landing


def test_what_reads_a_public_view_is_left_to_whole_builds(built: Landing, dbt: Dbt) -> None:
    dbt("parse")
    manifest = json.loads((dbt.target / "manifest.json").read_text())
    nodes = manifest["nodes"]
    tests = [node for node in nodes.values() if node["resource_type"] == "test"]
    for node in tests:
        read = [nodes[key] for key in node["depends_on"]["nodes"] if key in nodes]
        of_views = any(parent["path"].startswith("views/") for parent in read)
        assert ("views" in node["tags"]) == of_views, node["name"]
    assert {node["name"] for node in tests if "views" in node["tags"]} >= {
        "one_row_a_parcel",
        "unique_settlement_status_summary_latest_status",
    }
