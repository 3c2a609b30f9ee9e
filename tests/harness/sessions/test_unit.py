"""A test that needs a server is known before it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest

@pytest.fixture
def world():
    return 1

@pytest.fixture
def inside(world):
    return world

def test_alone():
    pass

def test_with_a_server(inside):
    pass

def test_that_hides_it(request):
    request.getfixturevalue("inside")
"""


def test_what_needs_no_server_is_marked_and_no_need_can_be_hidden(tmp_path: Path) -> None:
    (tmp_path / "test_scratch.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = unit\n")
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:singer_testing", "-p", "sessions.unit"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-m", "unit"],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 1 passed, 1 deselected" in done.stdout, done.stdout + done.stderr
    assert "test_that_hides_it needs world: have it among its arguments" in done.stdout
