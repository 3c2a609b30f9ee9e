"""The runbooks are listed, and the old tool's table names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = sorted(
    path for path in (ROOT / "docs" / "runbooks").glob("*.md") if path.name != "README.md"
)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_runbook_is_listed_and_has_commands() -> None:
    listed = (ROOT / "docs" / "runbooks" / "README.md").read_text()
    for path in RUNBOOKS:
        assert f"({path.name})" in listed
        assert BLOCK.search(path.read_text())


def test_the_old_tools_table_names_tests_that_are_there() -> None:
    text = (ROOT / "docs" / "from-the-old-tool.md").read_text()
    named = re.findall(r"`((?:[a-z0-9_]+/)+test_[a-z0-9_]+\.py)(?:::(test_[a-z0-9_]+))?`", text)
    assert len(named) > 20
    for file, function in named:
        path = ROOT / "tests" / file
        assert path.is_file(), file
        assert not function or f"def {function}(" in path.read_text(), f"{file}::{function}"


def test_everything_that_the_old_tool_had_is_in_the_table_with_a_test() -> None:
    text = (ROOT / "docs" / "from-the-old-tool.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if row[0] not in ("Old", "---")]
    assert [row for row in rows if len(row) != 3 or "/test_" not in row[2]] == []
    then = " ".join(row[0] for row in rows)
    for word in (
        "backup", "sync", "watermark get", "watermark set", "watermark reset", "watermark list",
        "s3clean list", "s3clean clean", "clean-all", "clean --bucket", "status", "config", "info",
        "-s sequential", "--dry-run", "--estimate", "--config", "--log-file", "--debug",
        "--backup-only", "--redshift-only", "--limit", "--verify-data", "--max-workers",
        "--batch-size", "--timestamp", "--id", "--older-than", "--pattern", "--force",
        "backup_dashboard", "display_s3_data", "inspect_backup_data", "health check",
        "many tables", "retention script", "cron", "systemd",
    ):  # fmt: skip
        assert word in then, word
