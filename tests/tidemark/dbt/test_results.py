"""What failed in a dbt run, told model by model."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tidemark.dbt.results import failures, read_failures

NODES = {
    "model.t.stg_a": [],
    "model.t.a": ["model.t.stg_a"],
    "model.t.b": [],
    "model.t.view": ["model.t.a"],
    "test.t.unique_a_id.0123": ["model.t.a"],
    "test.t.unique_b_id.4567": ["model.t.b"],
    "test.t.relationships_b_a.89ab": ["model.t.b", "model.t.a"],
}
MANIFEST = {"nodes": {key: {"depends_on": {"nodes": made_of}} for key, made_of in NODES.items()}}


def result(key: str, status: str, message: str | None = None) -> dict[str, str | None]:
    return {"unique_id": key, "status": status, "message": message}


def test_only_what_failed_is_named_with_its_own_reason() -> None:
    results = [
        result("operation.t.t-on-run-start-0", "success"),
        result("model.t.a", "error", "Database Error in model a\n  permission denied"),
        result("model.t.b", "success", "INSERT 0 3"),
        result("test.t.unique_b_id.4567", "pass"),
    ]
    assert failures({"results": results}, MANIFEST) == {
        "a": "Database Error in model a permission denied"
    }


def test_a_test_that_fails_is_a_failure_of_its_model() -> None:
    results = [
        result("model.t.b", "success"),
        result("test.t.unique_b_id.4567", "fail", "Got 2 results, configured to fail if != 0"),
    ]
    assert failures({"results": results}, MANIFEST) == {
        "b": "unique_b_id: Got 2 results, configured to fail if != 0"
    }


def test_what_was_skipped_says_behind_what() -> None:
    results = [
        result("model.t.stg_a", "error", "no such table"),
        result("model.t.a", "skipped"),
        result("test.t.unique_a_id.0123", "skipped"),
        result("model.t.view", "skipped"),
        result("model.t.b", "success"),
        result("test.t.relationships_b_a.89ab", "skipped"),
    ]
    found = failures({"results": results}, MANIFEST)
    assert found["a"] == "skipped behind stg_a: no such table"
    assert found["view"].endswith("no such table")
    assert "b" not in found, "it is built, and one of its tests waits for the other"


def test_what_an_earlier_run_left_says_nothing(tmp_path: Path) -> None:
    begun = datetime.now(UTC)
    target = tmp_path / "made"
    target.mkdir()
    document = {
        "metadata": {"invocation_started_at": begun.isoformat()},
        "results": [result("model.t.b", "error", "why")],
    }
    (target / "run_results.json").write_text(json.dumps(document))
    (target / "manifest.json").write_text(json.dumps(MANIFEST))
    environ = {"DBT_TARGET_PATH": str(target)}
    assert read_failures(tmp_path, environ, begun) == {"b": "why"}
    assert read_failures(tmp_path, environ, begun + timedelta(seconds=1)) == {}
    assert read_failures(tmp_path, {}, begun) == {}, "no run has come so far"
