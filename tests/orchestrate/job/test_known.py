"""A job that there is not is refused before anything is made for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tidemark.job.known import refuse_unknown
from tidemark_core.errors import ConfigError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["sync", "backup", "maintain", "dbt:build-new", "tidemark:verify"])
def test_jobs_and_blocks_of_the_project_are_known(name: str) -> None:
    refuse_unknown(name, ROOT)


def test_another_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError) as refused:
        refuse_unknown("nightly-sync", ROOT)
    hint = str(refused.value.hint)
    assert "backup, build, docs, load, maintain, sync, verify" in hint


def test_run_job_ends_with_2_and_leaves_no_log(tmp_path: Path) -> None:
    (tmp_path / "meltano.yml").write_text("include_paths: [./jobs/*.yml]\n")
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "own.yml").write_text("jobs: [{name: mine, tasks: []}]\n")
    (tmp_path / ".env").touch(0o600)
    environ = {name: text for name, text in os.environ.items() if "TIDEMARK" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "tidemark.job", "nosuch"],
        cwd=tmp_path, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "there is no job 'nosuch'" in done.stderr
    assert "choose one of: mine" in done.stderr
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    "text",
    ["", "]", "[]", "jobs: [night]", "jobs: 1", "plugins: []", "include_paths: [other.yml]", "\0"],
)
def test_a_project_that_cannot_be_read_is_left_to_meltano(tmp_path: Path, text: str) -> None:
    """Which says what is wrong with it, and `run-job` alerts."""
    (tmp_path / "meltano.yml").write_text(text)
    (tmp_path / "other.yml").write_bytes(b"\xff: [")
    refuse_unknown("sync", tmp_path)
