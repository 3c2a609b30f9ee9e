"""A worker that dies says where, in Python and in native code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
#: Reads address 0 in a thread, while the main thread waits in a test.
SCRATCH = """
import ctypes, threading

def falls_over():
    ctypes.string_at(0)

def test_before():
    pass

def test_that_dies():
    thread = threading.Thread(target=falls_over)
    thread.start()
    thread.join()

def test_after():
    pass
"""


def scratch_run(folder: Path, tests: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Runs tests in a worker of a session of its own, with more options of pytest."""
    (folder / "test_scratch.py").write_text(tests)
    (folder / "pytest.ini").touch()
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:singer_testing",
        "-p",
        "sessions.crashes",
        "-n",
        "1",
        *more,
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.skipif(
    Path("/proc/sys/kernel/core_pattern").read_text()[:1] in "|/", reason="cores go elsewhere"
)
def test_a_worker_that_dies_shows_its_stacks(tmp_path: Path) -> None:
    done = scratch_run(tmp_path, SCRATCH)
    assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert "Fatal Python error: Segmentation fault" in done.stdout
    assert re.search(r"Current thread .*\n(.*\n)?  File .* in falls_over\n", done.stdout)
    assert re.search(r"Thread .*\n(  File .*\n)+?  File .* in test_that_dies\n", done.stdout)
    if not shutil.which("gdb"):
        assert f"{next(tmp_path.glob('core*'))} is kept: apt-get install gdb" in done.stdout
    else:
        assert not list(tmp_path.glob("core*"))
        assert "signal SIGSEGV" in done.stdout
        assert re.search(r"#\d+ .* in (string_at|.*ffi_call.*|.*strlen.*) ", done.stdout)
    (kept,) = tmp_path.glob(".crashes/*/*.txt")
    assert "falls_over" in kept.read_text()


def test_a_run_without_a_death_leaves_nothing(tmp_path: Path) -> None:
    done = scratch_run(tmp_path, "def test_well():\n    pass\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "died" not in done.stdout
    assert not list(tmp_path.glob(".crashes/*"))


def test_a_run_ends_when_a_worker_has_died(tmp_path: Path) -> None:
    """As `make test` runs it; xdist's own answer is to wait for a test that nobody runs."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    restarts = [each for each in options["addopts"] if "restart" in each]
    (tmp_path / "test_other.py").write_text("def test_one(): pass\ndef test_two(): pass\n")
    done = scratch_run(tmp_path, SCRATCH, "--dist", "loadfile", "--no-loadscope-reorder", *restarts)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "crashed while running 'test_scratch.py::test_that_dies'" in done.stdout
