"""The password is told to a server that has shown who it is, and to no other."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from mysql_wire.scripted_mysql import packet
from pymysql._auth import scramble_caching_sha2
from tap_mysql.source.arrow_query import Fetch, Shape
from tap_mysql.source.session.connection import Login
from tap_mysql.source.session.connection import Source as Server
from tidemark_core.errors import ConfigError, SourceError
from tidemark_core.host.local_ports import LOCAL_HOST, free_port
from tidemark_core.ssh.tunnel import open_endpoint

pytestmark = [pytest.mark.security(6), pytest.mark.fault(169)]
PASSWORD = "a-password-to-steal"
NONCE = b"12345678" + b"123456789012"
OK = b"\0\0\0\x02\0\0\0"
FULL, FAST = b"\x01\x04", b"\x01\x03"
#: CLIENT_SSL in the lower capabilities.
NO_TLS, TLS = b"\x00\x82", b"\x00\x8a"


def greeting(plugin: bytes, capabilities: bytes = NO_TLS) -> bytes:
    """Protocol::HandshakeV10: https://dev.mysql.com/doc/dev/mysql-server/latest/."""
    return (
        b"\x0a8.4.0\0" + bytes(4) + NONCE[:8] + b"\0" + capabilities + b"\x21\x02\x00\x08\x00\x15"
        + bytes(10) + NONCE[8:] + b"\0" + plugin + b"\0"
    )  # fmt: skip


def switch(plugin: bytes) -> bytes:
    """Protocol::AuthSwitchRequest."""
    return b"\xfe" + plugin + b"\0" + NONCE + b"\0"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def public(key: rsa.RSAPrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def log_in(says: Sequence[bytes], public_key: Path | None = None) -> tuple[str, list[bytes]]:
    """Logs in at a server that says one thing after the other, whatever it hears.

    Returns:
        What the operator is told, and what was heard.
    """
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def serve() -> list[bytes]:
            heard = []
            with server.accept()[0] as client:
                client.settimeout(10)
                for number, word in enumerate(says):
                    client.sendall(packet(2 * number, word))
                    if word == FAST:
                        client.sendall(packet(2 * number + 1, OK))
                    heard.append(client.recv(4096))
            return heard

        answers = pool.submit(serve)
        login = Login("reader", PASSWORD, "db", public_key=str(public_key) if public_key else None)
        told = ""
        with open_endpoint(None, *server.getsockname()) as endpoint:
            try:
                with Server(login, endpoint, timeout=10).session():
                    pass
            except SourceError as error:
                told = f"{error.message}: {error.hint}"
        return told, answers.result()


REFUSED = {
    "in clear": [greeting(b"mysql_native_password"), switch(b"mysql_clear_password")],
    "full authentication": [greeting(b"caching_sha2_password"), FULL],
    "full authentication after a switch": [
        greeting(b"mysql_native_password"), switch(b"caching_sha2_password"), FULL,
    ],
    "full authentication where TLS would be verified by nobody": [
        greeting(b"caching_sha2_password", TLS), FULL,
    ],
    "sha256_password": [greeting(b"sha256_password"), b"\x01-----BEGIN PUBLIC KEY-----"],
    "sha256_password after a switch": [
        greeting(b"mysql_native_password"), switch(b"sha256_password"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_server_that_has_not_shown_who_it_is_gets_no_password(case: str) -> None:
    told, heard = log_in(REFUSED[case])
    assert "requests the password" in told
    assert "DB_SSL_MODE=verify" in told
    assert b"reader" in heard[0]
    assert PASSWORD.encode() not in b"".join(heard)
    assert heard[-1] == b"", "not even the server's key is asked for"


def test_a_server_s_own_key_does_not_open_the_password(key: rsa.RSAPrivateKey) -> None:
    told, heard = log_in([greeting(b"sha256_password"), b"\x01" + public(key)])
    assert "DB_SERVER_PUBLIC_KEY" in told
    assert heard[-1] == b""


def test_what_the_server_remembers_is_proved_and_not_told() -> None:
    _, heard = log_in([greeting(b"caching_sha2_password"), FAST])
    assert PASSWORD.encode() not in b"".join(heard)
    proof = scramble_caching_sha2(PASSWORD.encode(), NONCE)
    assert proof in heard[0]


@pytest.mark.parametrize("plugin", [b"caching_sha2_password", b"sha256_password"])
def test_a_key_that_is_known_opens_the_password_for_its_owner_alone(
    key: rsa.RSAPrivateKey, tmp_path: Path, plugin: bytes
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(public(key))
    stranger = rsa.generate_private_key(65537, 2048)
    second = FULL if plugin == b"caching_sha2_password" else b"\x01" + public(stranger)
    _, heard = log_in([greeting(plugin), second], path)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    opened = key.decrypt(heard[1][4:], oaep)
    nonce = NONCE * 2
    assert bytes(a ^ b for a, b in zip(opened, nonce, strict=False)) == PASSWORD.encode() + b"\0"


def test_a_key_file_that_is_not_there_or_that_others_may_change_is_a_wrong_setting(
    tmp_path: Path,
) -> None:
    open_to_all = tmp_path / "key.pem"
    open_to_all.touch()
    open_to_all.chmod(0o666)
    for path in (tmp_path / "none", open_to_all):
        login = Login("reader", PASSWORD, "db", public_key=str(path))
        with (
            open_endpoint(None, "127.0.0.1", 1) as endpoint,
            pytest.raises(ConfigError, match=r"key\.pem|none"),
            Server(login, endpoint, timeout=10).session(),
        ):
            pass


def test_a_query_that_cannot_be_ended_on_its_server_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "tap-mysql.read")
    monkeypatch.setattr("tidemark_core.retry._FIRST", 0.01)
    with open_endpoint(None, LOCAL_HOST, free_port()) as endpoint:
        source = Server(Login("reader", PASSWORD, "db"), endpoint, timeout=10)
        Fetch(source, "SELECT 1", Shape(pa.schema([]), 1, 1), threading.Event())._kill()
    (record,) = [each for each in caplog.records if each.name == "tap-mysql.read"]
    assert "the query could not be killed on the server" in record.getMessage()
    assert "Connection refused" in record.getMessage()
