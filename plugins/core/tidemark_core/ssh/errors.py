"""Explains ssh's error output to the operator. The texts are OpenSSH's own (ssh(1), LC_ALL=C)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from tidemark_core.errors import TunnelError


@dataclass(frozen=True)
class BastionFacts:
    """What a message about a bastion may name.

    Attributes:
        name: ``user@host:port``.
        host: Name or address.
        port: Port of its sshd.
        target: Server behind it.
        known_hosts: The known_hosts file, None: the user's own.
        host_setting: Environment variable that names the host.
        port_setting: Environment variable that names the port.
    """

    name: str
    host: str
    port: int
    target: str
    known_hosts: str | None
    host_setting: str
    port_setting: str

    @property
    def known_hosts_name(self) -> str:
        return self.known_hosts or "~/.ssh/known_hosts"

    @property
    def known_hosts_entry(self) -> str:
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"


def explain(lines: Sequence[str], facts: BastionFacts, fallback: str) -> TunnelError:
    """Turns ssh's standard error into an error that says what to do.

    Args:
        lines: What ssh wrote.
        facts: For the message.
        fallback: What to say when ssh said nothing.
    """
    text = "\n".join(lines)
    for pattern, make in _RULES:
        if re.search(pattern, text):
            return make(text, facts)
    last = next((line for line in reversed(lines) if line.strip()), fallback)
    return TunnelError(f"the tunnel through {facts.name} failed: {last}", retryable=True)


def _unresolved(_text: str, facts: BastionFacts) -> TunnelError:
    return TunnelError(
        f"the bastion's name {facts.host} cannot be resolved", hint=f"correct {facts.host_setting}"
    )


def _refused(_text: str, facts: BastionFacts) -> TunnelError:
    return TunnelError(
        f"the bastion {facts.name} refused the connection: no sshd is listening there",
        hint=f"check {facts.host_setting} and {facts.port_setting}",
        retryable=True,
    )


def _timed_out(_text: str, facts: BastionFacts) -> TunnelError:
    return TunnelError(
        f"the bastion {facts.name} did not answer in time",
        hint=f"check {facts.host_setting}, the firewall and the security group",
        retryable=True,
    )


def _unknown_key(_text: str, facts: BastionFacts) -> TunnelError:
    return TunnelError(
        f"the bastion {facts.name} is not in {facts.known_hosts_name}: its host key is unknown",
        hint=f"ssh-keyscan -p {facts.port} {facts.host} >> {facts.known_hosts_name}, and compare "
        "the fingerprint with the bastion's administrator",
    )


def _changed_key(text: str, facts: BastionFacts) -> TunnelError:
    sent = re.search(r"(SHA256:[A-Za-z0-9+/=]+)", text)
    known = known_fingerprints(facts)
    return TunnelError(
        f"the host key of the bastion {facts.name} has changed: it sent "
        f"{sent[1] if sent else 'another key'}, {facts.known_hosts_name} says "
        f"{', '.join(known) or 'another one'}; this may be an attack",
        hint="ask the bastion's administrator; if the change is theirs: "
        f"ssh-keygen -R '{facts.known_hosts_entry}' -f {facts.known_hosts_name}, then ssh-keyscan",
    )


def _revoked_key(_text: str, facts: BastionFacts) -> TunnelError:
    return TunnelError(
        f"the bastion {facts.name} sent a host key that {facts.known_hosts_name} has revoked: the "
        "host may be an attacker with a stolen key",
        hint="ask the bastion's administrator which host key it has now",
    )


def _denied(_text: str, facts: BastionFacts) -> TunnelError:
    return TunnelError(
        f"the bastion {facts.name} refused our key",
        hint="check the bastion's user and key file (SSH_BASTION_USER, SSH_BASTION_KEY_PATH); "
        "a key with a passphrase must be in the agent: ssh-add",
    )


def _passphrase(_text: str, facts: BastionFacts) -> TunnelError:
    return TunnelError(
        f"the key for the bastion {facts.name} has a passphrase, but no agent holds the key",
        hint="ssh-add the key file in the session that runs this",
    )


def _no_key(_text: str, facts: BastionFacts) -> TunnelError:
    return TunnelError(
        f"the key file for the bastion {facts.name} does not contain a private key that OpenSSH "
        "can read",
        hint="set SSH_BASTION_KEY_PATH to the complete private key, with its line breaks; "
        "ssh-keygen -y -f FILE prints its public key",
    )


def _forward_refused(_text: str, facts: BastionFacts) -> TunnelError:
    return TunnelError(
        f"the bastion {facts.name} does not allow forwarding to {facts.target}",
        hint="allow it in the bastion's sshd_config (AllowTcpForwarding, PermitOpen) or the "
        "key's line in authorized_keys",
    )


def _target_unreachable(text: str, facts: BastionFacts) -> TunnelError:
    reason = re.search(r"open failed: connect failed: ?(.*)", text)
    return TunnelError(
        f"the bastion {facts.name} cannot reach {facts.target}: "
        f"{(reason[1] if reason else '') or 'connect failed'}",
        hint="check the server's host and port as seen from the bastion",
        retryable=True,
    )


def _dropped(_text: str, facts: BastionFacts) -> TunnelError:
    return TunnelError(f"the connection to the bastion {facts.name} was lost", retryable=True)


_RULES = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED", _changed_key),
    (r"is marked as revoked", _revoked_key),
    (r"host key is known for|Host key verification failed", _unknown_key),
    (r"Could not resolve hostname|Name or service not known", _unresolved),
    (r"incorrect passphrase", _passphrase),
    (r"Load key .*: (?:error in libcrypto|invalid format)", _no_key),
    (r"Permission denied|Too many authentication failures", _denied),
    (r"open failed: (?:administratively prohibited|unknown channel type)", _forward_refused),
    (r"open failed: connect failed", _target_unreachable),
    (r"connect to host .*Connection refused", _refused),
    (
        r"Connection timed out|Operation timed out|No route to host|timed out during banner",
        _timed_out,
    ),
    (
        r"Timeout, server|Connection reset|Broken pipe|closed by remote host|Connection closed",
        _dropped,
    ),
)


def known_fingerprints(facts: BastionFacts) -> list[str]:
    """Fingerprints that the known_hosts file has for the bastion (``ssh-keygen -l -F``)."""
    command = ["ssh-keygen", "-l", "-F", facts.known_hosts_entry]
    if facts.known_hosts:
        command += ["-f", facts.known_hosts]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return sorted(set(re.findall(r"SHA256:[A-Za-z0-9+/=]+", answer.stdout)))
