"""Whom a tunnel believes: host keys, its user's key, and nobody with less than these."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tidemark_core.errors import ConfigError
from tidemark_core.ssh.bastion import CIPHERS, MACS, Bastion
from tidemark_core.ssh.tunnel import open_endpoint
from tunnels import failure, greeting


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
    assert "does not contain a private key" in error
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
        Bastion(value, 22)
    with pytest.raises(ConfigError):
        Bastion("h", 22, user=value)
