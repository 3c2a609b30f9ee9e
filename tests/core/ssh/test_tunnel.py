"""The tunnel through a real sshd: what stands, what breaks, and what is said about it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tidemark_core.errors import ConfigError, TunnelError
from tidemark_core.ssh.bastion import CIPHERS, MACS, Bastion
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_sandbox.world import Sandbox


@pytest.fixture
def bastion(sandbox: Sandbox, tmp_path: Path) -> Bastion:
    """The sandbox's bastion, with copies of its files that a test may spoil."""
    found = Bastion.from_config({k.lower(): v for k, v in sandbox.env().items()})
    assert found is not None
    assert found.key_path is not None
    assert found.known_hosts is not None
    key, hosts = tmp_path / "key", tmp_path / "known hosts"
    shutil.copy(found.key_path, key)
    key.chmod(0o600)
    shutil.copy(found.known_hosts, hosts)
    return replace(found, key_path=str(key), known_hosts=str(hosts))


@pytest.fixture
def mysql(sandbox: Sandbox) -> str:
    """MySQL's socket, as the bastion sees it."""
    return sandbox.env()["DB_HOST"]


def greeting(path: str | None) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        return connection.recv(64)


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


def failure(bastion: Bastion, host: str) -> TunnelError:
    began = time.monotonic()
    with pytest.raises(TunnelError) as raised, open_endpoint(bastion, host, 0):
        pass
    assert time.monotonic() - began < 30
    return raised.value


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


@pytest.mark.fault(30)
@pytest.mark.security(1)
def test_an_unknown_host_key_is_refused(bastion: Bastion, mysql: str) -> None:
    Path(str(bastion.known_hosts)).write_text("")
    error = failure(bastion, mysql)
    assert "host key is unknown" in error.message
    assert "ssh-keyscan" in str(error)
    assert not error.retryable


@pytest.mark.security(2)
def test_a_changed_host_key_is_refused_with_both_fingerprints(
    bastion: Bastion, mysql: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    kind, key, *_ = other.with_suffix(".pub").read_text().split()
    Path(str(bastion.known_hosts)).write_text(f"[{bastion.host}]:{bastion.port} {kind} {key}\n")
    error = failure(bastion, mysql)
    assert "has changed" in error.message
    assert error.message.count("SHA256:") == 2


@pytest.mark.security(2)
def test_a_revoked_host_key_is_an_attack_and_not_an_unknown_one(
    bastion: Bastion, mysql: str
) -> None:
    hosts = Path(str(bastion.known_hosts))
    hosts.write_text("".join(f"@revoked {line}\n" for line in hosts.read_text().splitlines()))
    error = failure(bastion, mysql)
    assert "has revoked" in error.message
    assert "ssh-keyscan" not in str(error)
    assert not error.retryable


@pytest.mark.security(33)
@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_known_hosts_that_others_can_write_are_refused(
    bastion: Bastion, mysql: str, mode: int
) -> None:
    Path(str(bastion.known_hosts)).chmod(mode)
    with pytest.raises(ConfigError, match="chmod go-w"), open_endpoint(bastion, mysql, 0):
        pass


@pytest.mark.security(33)
def test_the_users_own_known_hosts_are_looked_at_too(
    bastion: Bastion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    own = tmp_path / ".ssh" / "known_hosts"
    shutil.copy(str(bastion.known_hosts), own)
    monkeypatch.setenv("HOME", str(tmp_path))
    bare = replace(bastion, known_hosts=None)
    bare.check_files()
    own.chmod(0o666)
    with pytest.raises(ConfigError, match="chmod go-w"):
        bare.check_files()


@pytest.mark.security(4)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read another user's key")
def test_a_key_of_another_user_is_refused(bastion: Bastion, mysql: str) -> None:
    os.chown(str(bastion.key_path), 65534, 65534)
    with pytest.raises(ConfigError, match="belongs to user 65534"):
        bastion.check_files()


@pytest.mark.security(3)
def test_weak_ciphers_are_not_offered(bastion: Bastion, mysql: str) -> None:
    assert not any(word in CIPHERS for word in ("cbc", "arcfour", "3des"))
    assert not any(word in MACS for word in ("sha1", "md5"))
    assert {f"Ciphers={CIPHERS}", f"MACs={MACS}"} <= set(bastion.command(["/s"], mysql, 0))


@pytest.mark.security(4)
def test_a_key_that_others_can_read_is_refused(bastion: Bastion, mysql: str) -> None:
    Path(str(bastion.key_path)).chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"), open_endpoint(bastion, mysql, 0):
        pass


@pytest.mark.parametrize(
    "content", ["", "this is no key\n", "half", "one line", "carriage returns"]
)
def test_a_file_that_is_no_key_is_told_as_such(bastion: Bastion, mysql: str, content: str) -> None:
    path = Path(str(bastion.key_path))
    good = path.read_text()
    made = {
        "half": good[:200], "one line": good.replace("\n", ""),
        "carriage returns": good.replace("\n", "\r\n"),
    }  # fmt: skip
    path.write_text(made.get(content, content))
    error = str(failure(bastion, mysql))
    assert "holds no private key" in error
    assert "ssh-keygen -y" in error
    assert "passphrase" not in error


@pytest.mark.security(4)
def test_a_key_with_a_passphrase_works_through_an_agent_only(
    bastion: Bastion, mysql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = str(bastion.key_path)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", key], check=True)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    error = failure(bastion, mysql)
    assert "ssh-add" in str(error)
    assert "secret" not in str(error)
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", tmp_path / "agent"],
                             stdout=subprocess.DEVNULL)  # fmt: skip
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        while not (tmp_path / "agent").exists():
            time.sleep(0.02)
        ask = tmp_path / "ask"
        ask.write_text("#!/bin/sh\necho secret\n")
        ask.chmod(0o700)
        env = os.environ | {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
        subprocess.run(["ssh-add", "-q", key], env=env, check=True, stdin=subprocess.DEVNULL)
        with open_endpoint(bastion, mysql, 0) as endpoint:
            assert b"MariaDB" in greeting(endpoint.socket)
    finally:
        agent.terminate()
        agent.wait()


@pytest.mark.fault(30)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "nosuch.invalid"}, "cannot be resolved"),
        ({"port": 1}, "refused the connection"),
        ({"key_path": "other"}, "refused our key"),
    ],
)
def test_each_failure_is_told_apart(
    bastion: Bastion, mysql: str, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    if "key_path" in change:
        other = tmp_path / "stranger"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
        change = {"key_path": str(other)}
    assert words in failure(replace(bastion, **change), mysql).message  # type: ignore[arg-type]


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


def test_a_jump_host_is_verified_as_strictly(bastion: Bastion, mysql: str) -> None:
    jump = f"{bastion.user}@{bastion.host}:{bastion.port}"
    words = replace(bastion, jump=jump).command(["/s"], mysql, 0)
    proxy = next(word for word in words if word.startswith("ProxyCommand="))
    assert "StrictHostKeyChecking=yes" in proxy
    assert f"Ciphers={CIPHERS}" in proxy


@pytest.mark.parametrize(
    "value", ["-oProxyCommand=touch x", "a b", "host;id", "$(id)", "x'y", "`id`"]
)
def test_a_host_that_could_be_an_option_is_refused(value: str) -> None:
    with pytest.raises(ConfigError):
        Bastion.from_config({"ssh_bastion_host": value})
    with pytest.raises(ConfigError):
        Bastion.from_config({"ssh_bastion_host": "h", "ssh_bastion_user": value})


def test_no_host_means_no_bastion() -> None:
    assert Bastion.from_config({"ssh_bastion_host": ""}) is None
    with open_endpoint(None, "db.example", 3306) as endpoint:
        endpoint.ensure()
        endpoint.check()
        assert (endpoint.host, endpoint.port) == ("db.example", 3306)
