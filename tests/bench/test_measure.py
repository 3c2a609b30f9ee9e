"""The bench's own measuring: what it says of memory, time and failures is so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from measure import BenchError, run

_EATER = (
    "import subprocess, sys, time\n"
    "if len(sys.argv) > 1:\n"
    "    block = bytearray(150_000_000)\n"
    "    time.sleep(0.2)\n"
    "else:\n"
    "    subprocess.run([sys.executable, __file__, 'child'], check=True)\n"
    "    print(sys.stdin.read())\n"
)


def test_a_pipes_memory_and_time_are_measured_children_included(tmp_path: Path) -> None:
    script = tmp_path / "eater.py"
    script.write_text(_EATER)
    done = run(["echo", "through the pipe"], [sys.executable, script])
    assert done.output.split() == ["through", "the", "pipe"]
    # The child's 150 MB, and neither its parent's memory nor this process's on top.
    assert 143 < done.peaks["eater.py"] < 200
    assert done.seconds >= 0.2
    assert done.cpu_seconds > 0
    assert 0 < done.cpus["eater.py"] <= done.cpu_seconds


def test_a_command_that_fails_stops_the_bench_with_its_last_words() -> None:
    with pytest.raises(BenchError, match="no such luck"):
        run(["sh", "-c", "echo no such luck >&2; exit 3"], ["cat"])
