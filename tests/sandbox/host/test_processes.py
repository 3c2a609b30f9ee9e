from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tidemark_sandbox.host.processes import Daemon, ProcessId, alive, ended, parse_note, writers

ENV = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path / "sleep.pid", tmp_path / "sleep.log")


def wait_until(true: Callable[[], object]) -> None:
    limit = time.monotonic() + 5
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.01)


def running(daemon: Daemon) -> ProcessId:
    process = daemon.find()
    assert process
    return process


def test_a_server_is_nobodys_child_and_has_its_own_session(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start(["/bin/sleep", "60"], env=ENV, cwd=tmp_path)
    try:
        process = running(daemon)
        wait_until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
        assert os.getsid(process.pid) != os.getsid(0)
        with pytest.raises(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
        assert Path(f"/proc/{process.pid}/cwd").readlink() == tmp_path
    finally:
        daemon.stop()
    assert not alive(process)
    assert not daemon.note.exists()


def test_stop_without_a_server_does_nothing(daemon: Daemon) -> None:
    daemon.stop()
    assert daemon.find() is None


def test_a_pid_that_was_given_to_somebody_else_is_never_signalled(
    daemon: Daemon, tmp_path: Path
) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        try:
            fields = Path(f"/proc/{other.pid}/stat").read_text()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            note = parse_note(f"{boot}\n{fields}")
            assert note
            assert alive(note)
            # The same pid, noted when another process had it.
            before = fields.rpartition(")")[2].split()
            before[19] = str(note.started - 1)
            daemon.note.write_text(f"{boot}\n{other.pid} (sleep) {' '.join(before)}\n")
            daemon.stop()
            # The same pid and start time, noted before the machine was started again.
            daemon.note.write_text(f"another-boot\n{fields}")
            daemon.stop()
            assert other.poll() is None
            assert not alive(replace(note, boot="another-boot"))
        finally:
            other.kill()


@pytest.mark.parametrize(
    "text", ["", "\n", "boot", "boot\n12 (x) S 1", "boot\nx (y) S", "\n1 (a) S"]
)
def test_a_torn_note_is_no_process(daemon: Daemon, text: str) -> None:
    daemon.note.write_text(text)
    assert daemon.find() is None


def test_a_note_is_read_past_the_oddest_command_name() -> None:
    fields = ["S", *["0"] * 18, "4711", *["0"] * 30]
    assert parse_note(f"b\n7 (a) b (c) {' '.join(fields)}") == ProcessId(7, 4711, "b")


def test_children_of_a_killed_server_are_found_and_ended(daemon: Daemon, tmp_path: Path) -> None:
    script = "/bin/sleep 60 & /bin/sleep 60 & wait"
    daemon.start(["/bin/sh", "-c", script], env=ENV, cwd=tmp_path)
    wait_until(lambda: len(writers(daemon.log)) == 3)
    server = running(daemon)
    os.kill(server.pid, signal.SIGKILL)
    daemon.wait_gone(server)
    assert daemon.find() is None
    assert len(daemon.pids()) == 2
    daemon.stop()
    assert not daemon.pids()


#: Its first thread ends, as any thread of a server that is killed may do first; another lives on.
_FIRST_THREAD_ENDS = """
import ctypes, platform, threading, time
exit_thread = {"x86_64": 60, "aarch64": 93}[platform.machine()]
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).syscall(exit_thread, 0)
"""


def test_a_server_has_not_ended_while_one_of_its_threads_holds_its_ports(
    daemon: Daemon, tmp_path: Path
) -> None:
    daemon.start([sys.executable, "-c", _FIRST_THREAD_ENDS], env=ENV, cwd=tmp_path)
    process = running(daemon)
    stat = Path(f"/proc/{process.pid}/stat")
    wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
    assert alive(process)
    assert not ended(process.pid)
    daemon.stop(grace=0.1)
    assert not alive(process)
    assert ended(process.pid)


def test_a_server_that_ignores_sigterm_is_killed(daemon: Daemon, tmp_path: Path) -> None:
    script = "trap '' TERM; echo ready; while :; do /bin/sleep 0.05; done"
    daemon.start(["/bin/sh", "-c", script], env=ENV, cwd=tmp_path)
    wait_until(lambda: daemon.log.read_text())
    process = running(daemon)
    daemon.stop(grace=0.1)
    assert not alive(process)
    assert not daemon.pids()


def test_a_server_whose_note_was_lost_is_still_found(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start(["/bin/sleep", "60"], env=ENV, cwd=tmp_path)
    process = running(daemon)
    daemon.note.unlink()
    daemon.log.unlink()
    assert daemon.pids() == {process.pid}
    daemon.stop()
    assert not alive(process)


def test_somebody_who_reads_a_log_is_not_taken_for_its_server(daemon: Daemon) -> None:
    daemon.log.touch()
    with subprocess.Popen(["/usr/bin/tail", "-f", daemon.log], stdout=subprocess.DEVNULL) as tail:
        try:
            assert writers(daemon.log) == set()
        finally:
            tail.kill()
