"""Commands that run in forks of one process: as if they had been started, and never without us."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from processes.proctree import descendants, end
from tidemark_core.forking.client import FORK_SERVER
from tidemark_sandbox.host.processes import ended

pytestmark = pytest.mark.unit

_SERVER = """
import os, socket, sys, time
from pathlib import Path
from tidemark_core.forking.server import ForkServer

def tell():
    assert not sys.modules["__main__"].__package__, "click would tell this name"
    print("out", sys.argv[1:], os.environ.get("COLOUR"), Path.cwd().name, input(), flush=True)
    print("err", file=sys.stderr)
    sys.exit(int(sys.argv[1]))

def sleep():
    print(os.getpid(), flush=True)
    time.sleep(60)

listener = socket.socket(fileno=os.dup(0))
sys.exit(ForkServer(listener).serve({"tell": tell, "sleep": sleep}))
"""
_COMMAND = """
import os, sys
from tidemark_core.forking.client import fork_instead
sys.argv = sys.argv[1:]
fork_instead(sys.argv, os.environ)
print("by itself")
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A fork server, and its socket."""
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        process = subprocess.Popen([sys.executable, "-c", _SERVER], stdin=listener.fileno())
    with process:
        yield process, path
        process.kill()


def begin(path: str, *words: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _COMMAND, *words],
        env={"PATH": os.environ["PATH"], FORK_SERVER: path, **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_fork_has_the_words_variables_streams_and_folder_and_gives_its_exit_code(
    server: tuple[subprocess.Popen[bytes], str],
) -> None:
    first = begin(server[1], "tell", "3", COLOUR="red")
    second = begin(server[1], "/a/path/of/tell", "0", COLOUR="blue")
    here = Path.cwd().name
    assert second.communicate("two\n") == (f"out ['0'] blue {here} two\n", "err\n")
    assert first.communicate("one\n") == (f"out ['3'] red {here} one\n", "err\n")
    assert (first.returncode, second.returncode) == (3, 0)
    until(lambda: not descendants(server[0].pid))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_fork_and_its_end_is_the_commands(
    server: tuple[subprocess.Popen[bytes], str], number: signal.Signals
) -> None:
    command = begin(server[1], "sleep")
    assert command.stdout is not None
    pid = int(command.stdout.readline())
    command.send_signal(number)
    command.communicate()
    # Python ends by SIGINT too, once it has told of KeyboardInterrupt.
    assert command.returncode == -number
    assert ended(pid)


@pytest.mark.fault(208)
def test_a_fork_ends_with_the_command_that_was_killed(
    server: tuple[subprocess.Popen[bytes], str],
) -> None:
    command, other = begin(server[1], "sleep"), begin(server[1], "sleep")
    assert command.stdout is not None
    assert other.stdout is not None
    pid, left_alone = int(command.stdout.readline()), int(other.stdout.readline())
    command.kill()
    command.communicate()
    assert end(pid)
    assert not ended(left_alone)
    other.kill()
    other.communicate()


@pytest.mark.fault(208)
def test_a_command_ends_with_the_server_and_the_next_one_runs_by_itself(
    server: tuple[subprocess.Popen[bytes], str],
) -> None:
    command = begin(server[1], "sleep")
    assert command.stdout is not None
    pid = int(command.stdout.readline())
    server[0].kill()
    command.communicate()
    assert command.returncode == -signal.SIGKILL
    assert end(pid)
    assert begin(server[1], "tell", "3").communicate() == ("by itself\n", "")


@pytest.mark.fault(208)
def test_the_server_outlives_a_command_and_its_fork_that_end_at_once(
    server: tuple[subprocess.Popen[bytes], str],
) -> None:
    command = begin(server[1], "sleep")
    assert command.stdout is not None
    pid = int(command.stdout.readline())
    server[0].send_signal(signal.SIGSTOP)  # so that it hears of both in one go
    os.kill(pid, signal.SIGKILL)
    assert end(pid)
    command.kill()
    command.communicate()
    server[0].send_signal(signal.SIGCONT)
    assert begin(server[1], "tell", "0").communicate("one\n")[0].startswith("out")
    assert server[0].poll() is None


def test_without_a_server_a_command_runs_by_itself(tmp_path: Path) -> None:
    assert begin("", "tell").communicate() == ("by itself\n", "")
    assert begin(str(tmp_path / "none"), "tell").communicate() == ("by itself\n", "")
