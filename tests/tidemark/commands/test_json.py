"""What programs read: each command's JSON is JSON alone on stdout, with keys that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tidemark.services.bookmarks.bookmark import Leg

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

FINDINGS = {"status": str, "findings": [{"part", "level", "message", "hint"}]}
MARK = {
    "table", "replication_key", "last_data", "last_extraction", "strategy", "rows_extracted",
    "files_extracted", "rows_loaded", "files_loaded", "files_waiting", "last_load", "status",
    "waiting_since",
}  # fmt: skip
FILE = {"key", "table", "status", "rows", "bytes", "modified", "extracted_at", "manifest"}
TABLE = {"table", "files", "loaded", "waiting", "committed", "orphan", "lost", "bytes"}
ACTIVE = {"table", "commits", "files", "rows", "bytes", "first", "last", "bookmark"}
LISTED = {
    "table", "name", "replication_method", "replication_key", "since", "rows", "differences",
    "hard_delete",
}  # fmt: skip
SHAPES: dict[str, Any] = {
    "tables": {"tables": [LISTED], "problems": list},
    "status": FINDINGS,
    "doctor": FINDINGS,
    "watermark list": [MARK],
    "watermark get -t TABLE": [MARK],
    "s3clean list": {"files": [FILE], "tables": [TABLE], "foreign": list, "warehouse": str},
    "s3clean clean --dry-run --force": {
        "dry_run": bool,
        "selected": list,
        "kept": dict,
        "removed": {"files", "bytes", "tables"},
        "warehouse": str,
    },
    "clean --retention": {
        "files": {"days", "count", "bytes"},
        "orphans": {"count", "bytes"},
        "upkeep": list,
        "records": {"days", "count"},
        "landing": {"days", "loads", "rows"},
        "removed": bool,
    },
    "dashboard": {
        "status": [{"part", "level", "message", "hint"}],
        "watermarks": [MARK],
        "days": [{"day", "commits", "rows", "bytes"}],
    },
    "rebuild -t TABLE --yes": {"table": str, "changes": [{"leg", "old", "new"}], "next": str},
    "explore": {"tables": [ACTIVE], "days": [{"day", "commits", "rows", "bytes"}]},
    "inspect -t TABLE": {
        "table": str,
        "rows": int,
        "files": int,
        "key": list,
        "columns": [{"column", "type", "nulls", "distinct", "minimum", "maximum"}],
        "sampled": int,
        "sample": list,
        "findings": list,
    },
    "config": {
        "settings": [{"name", "value", "source", "parts", "level", "problem", "description"}],
        "connections": list,
        "unknown": list,
    },
    "info": {
        "strategies": [{"name", "how", "when"}],
        "versions": dict,
        "bucket": str,
        "layout": dict,
        "environment": str,
    },
}


def check(found: Any, shape: Any) -> None:
    """Holds a document against a shape: keys, types, or the shape of each of a list's items."""
    if isinstance(shape, type):
        assert isinstance(found, shape)
    elif isinstance(shape, set):
        assert set(found) == shape
    elif isinstance(shape, list):
        assert found, "nothing to look at"
        for item in found:
            check(item, shape[0])
    else:
        assert set(found) == set(shape)
        for name, inner in shape.items():
            check(found[name], inner)


@pytest.mark.parametrize("line", SHAPES)
def test_the_keys_of_json_stay(lake: Lake, line: str) -> None:
    lake.commit(lake.file())
    words = line.replace("TABLE", str(lake.table)).split()
    check(lake.run(*words, "--format", "json").json, SHAPES[line])


def test_the_keys_of_a_changed_watermark_stay(lake: Lake) -> None:
    lake.bookmark(Leg.BACKUP, {"replication_key": "id", "replication_key_value": 7})
    done = lake.run("watermark", "reset", "-t", str(lake.table), "--yes", "--format", "json")
    changes = [{"leg", "old", "new", "state_before"}]
    check(done.json, {"table": str, "changes": changes, "next_backup_from": object})
    assert "→" in done.err
