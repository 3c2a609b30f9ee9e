"""Whatever becomes of a tunnel's start: what it had started ends, and its pipes are closed."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from tap_mysql.source.settings import MySQLSettings
from tidemark_core.errors import ConfigError, TunnelError
from tidemark_core.host.local_ports import LOCAL_HOST
from tidemark_core.ssh.bastion import Bastion
from tidemark_core.ssh.process import TunnelProcess
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox


@pytest.fixture
def bastion(sandbox: Sandbox) -> Bastion:
    found = read(MySQLSettings, {}, sandbox.env()).bastion
    assert found is not None
    return found


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Every child that a tunnel has started so far."""
    started: list[subprocess.Popen[bytes]] = []

    class Child(subprocess.Popen[bytes]):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[call-overload]
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Child)
    return started


@pytest.fixture
def take_ports(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], list[int]]]:
    """Somebody takes the local ports of the next attempts after we have found them free."""
    command = Bastion.command
    with ExitStack() as stack:

        def take(count: int) -> list[int]:
            taken: list[int] = []

            def late(bastion: Bastion, ends: list[str], host: str, port: int) -> list[str]:
                if len(taken) < count:
                    local_port = int(ends[-1].rpartition(":")[2])
                    stack.enter_context(socket.create_server((LOCAL_HOST, local_port)))
                    taken.append(local_port)
                return command(bastion, ends, host, port)

            monkeypatch.setattr(Bastion, "command", late)
            return taken

        yield take


def has_ended(child: subprocess.Popen[bytes]) -> bool:
    assert child.stdin is not None
    assert child.stderr is not None
    return child.returncode is not None and child.stdin.closed and child.stderr.closed


def greeting(host: str, port: int) -> bytes:
    with socket.create_connection((host, port), timeout=10) as connection:
        return connection.recv(64)


def test_a_port_that_somebody_takes_in_between_is_left_to_them(
    bastion: Bastion,
    mysql: str,
    children: list[subprocess.Popen[bytes]],
    take_ports: Callable[[int], list[int]],
) -> None:
    taken = take_ports(2)
    with open_endpoint(bastion, mysql, 0, local_port=0) as endpoint:
        assert endpoint.port not in taken
        assert b"MariaDB" in greeting(endpoint.host, endpoint.port)
        *first, last = children
        assert len(first) == 2
        assert all(map(has_ended, first))
        assert last.poll() is None
    assert has_ended(last)


def test_when_every_port_is_taken_nothing_is_left(
    bastion: Bastion,
    mysql: str,
    children: list[subprocess.Popen[bytes]],
    take_ports: Callable[[int], list[int]],
) -> None:
    taken = take_ports(100)
    with (
        pytest.raises(ConfigError, match="in use"),
        open_endpoint(bastion, mysql, 0, local_port=0),
    ):
        pass
    assert len(children) == len(taken)
    assert all(map(has_ended, children))


def test_a_login_that_is_refused_leaves_nothing(
    bastion: Bastion, mysql: str, children: list[subprocess.Popen[bytes]]
) -> None:
    stranger = replace(bastion, user="nobody-of-that-name")
    with pytest.raises(TunnelError, match="refused our key"), open_endpoint(stranger, mysql, 0):
        pass
    assert [has_ended(child) for child in children] == [True]


def test_a_bastion_that_says_nothing_leaves_nothing(
    bastion: Bastion, mysql: str, children: list[subprocess.Popen[bytes]]
) -> None:
    with socket.create_server((LOCAL_HOST, 0)) as silent:
        mute = replace(bastion, port=silent.getsockname()[1])
        with (
            pytest.raises(TunnelError, match="did not answer"),
            open_endpoint(mute, mysql, 0, timeout=0.3),
        ):
            pass
    assert [has_ended(child) for child in children] == [True]


@pytest.mark.parametrize("where", ["start", "wait"])
def test_a_start_that_is_cut_off_leaves_nothing(
    bastion: Bastion,
    mysql: str,
    children: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """By Ctrl-C while it waits; by the system, which gives us no further thread."""
    if where == "wait":

        def interrupted(*_: object) -> None:
            time.sleep(0.1)
            raise KeyboardInterrupt

        monkeypatch.setattr(TunnelProcess, "_wait", interrupted)
    else:

        def no_thread(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", no_thread)
    with (
        pytest.raises((KeyboardInterrupt, RuntimeError)),
        open_endpoint(bastion, mysql, 0),
    ):
        pass
    assert [has_ended(child) for child in children] == [True]
