from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redshift_stand_in.front.server import Address
from tidemark_core.host.local_ports import can_bind
from tidemark_sandbox.host.ports import (
    BLOCK,
    DEFAULT_BASE,
    Ports,
    another_block,
    free_port_block,
    holder,
)


def open_files() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


STANDARD = {22, 80, 443, 3306, 5432, 5439, 8080, 8333, 8888, 9333, 23646}


@given(st.integers(1024, 65536 - BLOCK))
def test_every_port_is_in_the_block_and_used_once(base: int) -> None:
    ports = Ports(base).all
    assert all(base <= port < base + BLOCK for port in ports)
    assert len(set(ports)) == len(ports)


@given(st.integers(1024, 65536 - 2 * BLOCK))
def test_blocks_side_by_side_share_no_port(base: int) -> None:
    assert not set(Ports(base).all) & set(Ports(base + BLOCK).all)


def test_default_ports_are_those_that_the_documentation_names() -> None:
    ports = Ports(DEFAULT_BASE)
    assert (ports.bastion, ports.s3) == (18222, 18233)
    assert (ports.forward_mysql, ports.forward_redshift) == (18206, 18239)
    assert not STANDARD & set(ports.all)


def test_free_port_block_is_free_and_below_the_ephemeral_ports() -> None:
    base = free_port_block()
    assert all(can_bind(port) for port in Ports(base).all)
    assert base + BLOCK < 32768


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Some blocks that are ours, as the only ones that there are: other runs take theirs beside."""

    def blocks(count: int) -> list[int]:
        ours = [free_port_block() for _ in range(count)]
        monkeypatch.setattr("tidemark_sandbox.host.ports._FREE_BLOCKS", ours)
        monkeypatch.setattr("tidemark_sandbox.host.ports._reserve", lambda base: base in ours)
        return ours

    return blocks


def test_free_port_block_passes_over_a_block_that_is_in_use(
    only: Callable[[int], list[int]],
) -> None:
    used, free = only(2)
    with socket.create_server(("127.0.0.1", Ports(used).s3)):
        assert free_port_block() == free


def test_a_block_is_given_once_although_nothing_listens_on_it() -> None:
    assert free_port_block() != free_port_block()


def test_a_killed_seaweedfs_leaves_no_socket_in_the_way(only: Callable[[int], list[int]]) -> None:
    ports = Ports(*only(1))
    left = ports.seaweedfs_sockets[1]
    left.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(left))
    try:
        assert free_port_block() == ports.base
        assert not left.exists()
    finally:
        left.unlink(missing_ok=True)


def test_holder_names_the_process_that_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert holder(server.getsockname()[1]).startswith(f"pid {os.getpid()} (")


def test_the_block_that_is_proposed_is_free_and_no_connection_can_sit_on_it() -> None:
    word, base = another_block(18200).rsplit(maxsplit=1)
    assert word == "tidemark-sandbox up --port"
    first, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert int(base) + BLOCK <= first
    assert all(map(can_bind, Ports(int(base)).all))


def test_a_listener_whose_address_is_taken_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address.parse(f"tcp:127.0.0.1:{server.getsockname()[1]}")
        before = open_files()
        with pytest.raises(OSError, match="in use"):
            address.listen()
        assert open_files() == before
