"""The tunnel through a real sshd: where it leads, what breaks, and how it ends."""

from __future__ import annotations

import contextlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from tap_mysql.source.settings import MySQLSettings
from tidemark_core.errors import ConfigError, TunnelError
from tidemark_core.ssh.bastion import Bastion
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_core.typed_settings import read
from tunnels import greeting


def listening(pid: int) -> list[str]:
    """Addresses of TCP on which a process listens."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(entry.readlink().name)
    return [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and f"socket:[{line.split()[9]}]" in inodes
    ]


def ssh_of(path: str | None) -> int:
    """The ssh process that forwards a socket."""
    (pid,) = [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and _is_ssh(folder, str(path).encode())
    ]
    return pid


def _is_ssh(folder: Path, path: bytes) -> bool:
    with contextlib.suppress(OSError):
        words = (folder / "cmdline").read_bytes().split(b"\0")
        return words[0] == b"ssh" and any(word.startswith(path) for word in words)
    return False


@pytest.mark.security(5)
def test_it_leads_to_the_server_for_its_own_user_only(bastion: Bastion, mysql: str) -> None:
    with open_endpoint(bastion, mysql, 0) as endpoint:
        assert b"MariaDB" in greeting(endpoint.socket)
        assert endpoint.port == 0
        assert listening(ssh_of(endpoint.socket)) == []
        path = Path(str(endpoint.socket))
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        stranger = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable]
        refused = subprocess.run([*stranger, "-c", CONNECT, path], capture_output=True, text=True)
        assert "PermissionError" in refused.stderr
    assert not path.parent.exists()


CONNECT = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"


def test_a_long_temporary_folder_leaves_room_for_the_socket(
    bastion: Bastion, mysql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with open_endpoint(bastion, mysql, 0) as endpoint:
        assert b"MariaDB" in greeting(endpoint.socket)


@pytest.mark.security(5)
def test_a_port_is_open_to_this_machine_only(bastion: Bastion, mysql: str) -> None:
    with open_endpoint(bastion, mysql, 0, local_port=0) as endpoint:
        assert endpoint.host == "127.0.0.1"
        assert listening(ssh_of(endpoint.socket)) == [f"0100007F:{endpoint.port:04X}"]


def test_a_fixed_local_port_is_used_and_a_taken_one_is_refused(
    bastion: Bastion, mysql: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigError, match="SSH_LOCAL_PORT"),
            open_endpoint(bastion, mysql, 0, port),
        ):
            pass
    with open_endpoint(bastion, mysql, 0, port) as endpoint:
        assert endpoint.port == port


@pytest.mark.security(5)
def test_whoever_is_quicker_at_every_port_gets_nothing_and_is_told_of(
    bastion: Bastion, mysql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rogue:
        port = rogue.getsockname()[1]
        monkeypatch.setattr("tidemark_core.ssh.process.free_port", lambda: port)
        # Taken between our look and ssh's bind.
        monkeypatch.setattr("tidemark_core.ssh.process.can_bind", lambda _: True)
        with (
            pytest.raises(ConfigError, match=f"ss -ltnp 'sport = :{port}'"),
            open_endpoint(bastion, mysql, 0, 0),
        ):
            pass
        rogue.setblocking(False)
        with pytest.raises(BlockingIOError):
            rogue.accept()


def test_a_server_that_the_bastion_cannot_reach_is_told(bastion: Bastion) -> None:
    with open_endpoint(bastion, "/nosuch/mysql.sock", 0) as endpoint:
        assert greeting(endpoint.socket) == b""
        with pytest.raises(TunnelError, match=r"/nosuch/mysql\.sock"):
            endpoint.check()


@pytest.mark.fault(29)
def test_a_dropped_tunnel_is_noticed_and_opened_again_at_the_same_port(
    bastion: Bastion, mysql: str
) -> None:
    with open_endpoint(bastion, mysql, 0, local_port=0) as endpoint:
        port = endpoint.port
        endpoint.drop()
        with pytest.raises(TunnelError):
            endpoint.check()
        endpoint.ensure()
        assert endpoint.port == port
        assert b"MariaDB" in greeting(endpoint.socket)


@pytest.mark.fault(29)
def test_keepalives_find_a_frozen_bastion_within_a_minute(bastion: Bastion, mysql: str) -> None:
    words = bastion.command(["/s"], mysql, 0)
    interval = int(next(w for w in words if w.startswith("ServerAliveInterval=")).split("=")[1])
    count = int(next(w for w in words if w.startswith("ServerAliveCountMax=")).split("=")[1])
    assert 0 < interval * (count + 1) <= 60


CHILD = """
import sys, time
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_core.ssh.bastion import Bastion
bastion = Bastion(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5])
with open_endpoint(bastion, sys.argv[6], 0) as endpoint:
    print(endpoint.socket, flush=True)
    time.sleep(60)
"""
ENDS = """
import contextlib, sys, weakref
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_core.ssh.bastion import Bastion
class Owner: pass
owner, stack = Owner(), contextlib.ExitStack()
weakref.finalize(owner, stack.close)
bastion = Bastion(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5])
print(stack.enter_context(open_endpoint(bastion, sys.argv[6], 0)).socket)
"""


@pytest.mark.security(22)
def test_a_tunnel_that_is_closed_at_exit_leaves_nothing_and_says_nothing(
    bastion: Bastion, mysql: str
) -> None:
    arguments = [bastion.host, bastion.port, bastion.user, bastion.key_path, bastion.known_hosts]
    words = [sys.executable, "-W", "error", "-c", ENDS, *map(str, arguments), mysql]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert not Path(done.stdout.strip()).parent.exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_ssh_does_not_outlive_us(bastion: Bastion, mysql: str, how: signal.Signals) -> None:
    arguments = [bastion.host, str(bastion.port), bastion.user, bastion.key_path]
    words = [str(word) for word in (*arguments, bastion.known_hosts, mysql)]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *words], stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        path = child.stdout.readline().strip()
        assert b"MariaDB" in greeting(path)
        child.send_signal(how)
        child.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            greeting(path)
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("the tunnel still stands")


def test_no_host_means_no_bastion() -> None:
    mysql = {"db_host": "db.example", "db_user": "u", "db_database": "d"}
    assert read(MySQLSettings, mysql | {"ssh_bastion_host": ""}).bastion is None
    with open_endpoint(None, "db.example", 3306) as endpoint:
        endpoint.ensure()
        endpoint.check()
        assert (endpoint.host, endpoint.port) == ("db.example", 3306)
