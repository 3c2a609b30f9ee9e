"""What the tests take for a process that has ended."""

from __future__ import annotations

import subprocess

from processes.proctree import alive, end


def test_a_process_that_nobody_has_waited_for_has_ended() -> None:
    with subprocess.Popen(["true"]) as done, subprocess.Popen(["sleep", "60"]) as working:
        try:
            assert end(done.pid)
            assert done.returncode is None, "and it is in /proc still"
            assert alive(working.pid)
        finally:
            working.kill()
    assert not alive(working.pid)
