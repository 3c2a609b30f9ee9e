"""What the tests take for a process that has ended."""

from __future__ import annotations

import subprocess

from tidemark_sandbox.host.processes import ended

from processes.proctree import end


def test_a_process_that_nobody_has_waited_for_has_ended() -> None:
    with subprocess.Popen(["true"]) as done, subprocess.Popen(["sleep", "60"]) as working:
        try:
            assert end(done.pid)
            assert done.returncode is None, "and it is in /proc still"
            assert not ended(working.pid)
        finally:
            working.kill()
    assert ended(working.pid)
