from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tidemark_sandbox.certificates import ensure_certificates


def greet(folder: Path, name: str) -> None:
    """A TLS handshake in which the client verifies."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    client = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name):
            pass
    finally:
        ours.close()
        thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_clients_can_verify(tmp_path: Path, name: str) -> None:
    ensure_certificates(tmp_path)
    greet(tmp_path, name)


def test_another_name_is_not_verified(tmp_path: Path) -> None:
    ensure_certificates(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        greet(tmp_path, "warehouse.example")


def test_a_good_set_is_kept(tmp_path: Path) -> None:
    ensure_certificates(tmp_path)
    before = (tmp_path / "server.pem").read_bytes()
    ensure_certificates(tmp_path)
    assert (tmp_path / "server.pem").read_bytes() == before


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server.key"])
def test_an_incomplete_set_is_made_anew(tmp_path: Path, name: str) -> None:
    ensure_certificates(tmp_path)
    (tmp_path / name).unlink()
    ensure_certificates(tmp_path)
    greet(tmp_path, "localhost")


@pytest.mark.parametrize("name", ["ca.pem", "server.pem"])
def test_a_torn_file_is_made_anew(tmp_path: Path, name: str) -> None:
    ensure_certificates(tmp_path)
    (tmp_path / name).write_text("-----BEGIN CERTIFICATE-----\nMII")
    ensure_certificates(tmp_path)
    greet(tmp_path, "localhost")


def test_a_set_that_runs_out_is_made_anew(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, now=datetime.now(UTC) - timedelta(days=364))
    before = (tmp_path / "server.pem").read_bytes()
    ensure_certificates(tmp_path)
    assert (tmp_path / "server.pem").read_bytes() != before


def test_the_key_is_private(tmp_path: Path) -> None:
    ensure_certificates(tmp_path)
    assert (tmp_path / "server.key").stat().st_mode & 0o077 == 0
