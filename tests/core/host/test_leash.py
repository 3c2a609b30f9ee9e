"""A process ends with the one that started it, when it was asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from processes.proctree import end
from tidemark_core.host.leash import leashed
from tidemark_sandbox.host.processes import ended

#: A plugin of Meltano's: it ends with it, and tells its own number.
_PLUGIN = """
import os, sys, time
from tidemark_core.process import end_with_meltano
end_with_meltano()
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.fault(108)
def test_a_command_on_a_leash_is_that_command_and_ends_with_who_started_it() -> None:
    code = (
        "import subprocess, sys, time\n"
        "from tidemark_core.host.leash import leashed\n"
        "child = subprocess.Popen(leashed(['/bin/sleep', '60']))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent:
        pid = int(parent.stdout.readline())
        deadline = time.monotonic() + 20
        while Path(f"/proc/{pid}/comm").read_text() != "sleep\n":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        parent.kill()
        assert end(pid)


def test_a_command_whose_parent_is_gone_already_is_not_begun(tmp_path: Path) -> None:
    began = tmp_path / "began"
    command = leashed(["/usr/bin/touch", str(began)])
    command[command.index(str(os.getpid()))] = "1"
    assert subprocess.run(command, check=False).returncode == 0
    assert not began.exists()


def test_its_exit_code_and_its_signals_are_the_commands_own() -> None:
    assert subprocess.run(leashed(["/bin/sh", "-c", "exit 7"]), check=False).returncode == 7
    child = subprocess.Popen(leashed(["/bin/sleep", "60"]))
    child.send_signal(signal.SIGTERM)
    assert child.wait(20) == -signal.SIGTERM


@pytest.mark.fault(108)
@pytest.mark.parametrize("by_meltano", [True, False])
def test_a_plugin_ends_with_meltano_and_outlives_a_shell(by_meltano: bool) -> None:
    env = {**os.environ}
    env.pop("MELTANO_PARENT_CONTEXT_UUID", None)
    if by_meltano:
        env["MELTANO_PARENT_CONTEXT_UUID"] = "0b5c"
    code = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {_PLUGIN!r}])\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    try:
        parent.kill()
        parent.wait()
        if by_meltano:
            assert end(pid)
        else:
            time.sleep(0.3)
            assert not ended(pid)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        parent.stdout.close()
