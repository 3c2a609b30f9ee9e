"""The connection through a bastion: its settings, and the resulting ssh command.

OpenSSH itself rather than a library of Python: it is the fastest of those measured, it verifies
host keys as operators know it, and it works with agents and jump hosts. Options are given on the
command line, where the first one wins (ssh_config(5)), and no configuration file is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tidemark_core.errors import ConfigError
from tidemark_core.host.trusted_file import check_trusted, is_foreign
from tidemark_core.ssh.process import STANDS_OPTIONS

#: Seconds until a frozen bastion is noticed: ServerAliveInterval times ServerAliveCountMax.
KEEPALIVE_SECONDS, KEEPALIVE_COUNT = 10, 3
#: No CBC, no arcfour, no 3des; the fastest first.
CIPHERS = (
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
    "aes128-ctr,aes192-ctr,aes256-ctr"
)
#: For the ciphers that have no MAC of their own: no SHA-1, no MD5.
MACS = (
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,umac-128-etm@openssh.com,"
    "hmac-sha2-256,hmac-sha2-512"
)


@dataclass(frozen=True)
class Bastion:
    """An SSH host that leads to a server.

    Attributes:
        host: Name or address.
        port: Port of its sshd.
        user: User there; empty: the local user's name.
        key_path: Private key file, mode 0600; None: the SSH agent's keys.
        known_hosts: File with the host's key; None: ``~/.ssh/known_hosts``.
        jump: Hosts to go through first, as ssh's ``-J`` writes them: ``user@host:port,…``.
        settings: Prefix of the settings' names, for messages.
    """

    host: str
    port: int
    user: str | None = None
    key_path: str | None = None
    known_hosts: str | None = None
    jump: str | None = None
    settings: str = "ssh_bastion"

    def __post_init__(self) -> None:
        """Refuses what could be taken for an option of ssh.

        Raises:
            ConfigError: A name could be.
        """
        hops = (self.jump or "").split(",")
        for name, value in (
            ("host", self.host),
            ("user", self.user or ""),
            *(("jump", hop) for hop in hops),
        ):
            if value.startswith("-") or any(c.isspace() or c in "'\"`$;&|<>\\" for c in value):
                raise ConfigError(f"{self.setting(name)} is not a valid host or user name")

    def __str__(self) -> str:
        return f"{self.user + '@' if self.user else ''}{self.host}:{self.port}"

    def setting(self, name: str) -> str:
        """Environment variable of one of the bastion's settings."""
        return f"{self.settings}_{name}".upper()

    def check_files(self) -> None:
        """Looks at the key file and the known_hosts file before ssh does.

        Raises:
            ConfigError: One of them is missing or not ours, others than its owner can read the
                key, or others can write which hosts are known.
        """
        if self.key_path:
            self._check_key(self.key_path)
        if self.known_hosts and not Path(self.known_hosts).expanduser().is_file():
            raise ConfigError(
                f"the known_hosts file {self.known_hosts} does not exist",
                hint=f"ssh-keyscan -p {self.port} {self.host} >> {self.known_hosts}, "
                "and compare the fingerprint with the bastion's administrator",
            )
        known = self.known_hosts or "~/.ssh/known_hosts"
        if Path(known).expanduser().exists():
            check_trusted(known, self.setting("known_hosts"))

    def _check_key(self, path: str) -> None:
        try:
            info = Path(path).expanduser().stat()
        except OSError as error:
            raise ConfigError(
                f"the key file {path} cannot be read: {error.strerror}",
                hint=f"correct {self.setting('key_path')}",
            ) from error
        if stat.S_IMODE(info.st_mode) & 0o177:
            raise ConfigError(
                f"the key file {path} has mode {stat.S_IMODE(info.st_mode):04o}: other users can "
                "use it",
                hint=f"chmod 600 {path}",
            )
        if is_foreign(info):
            raise ConfigError(
                f"the key file {path} belongs to user {info.st_uid}, who can use it, too",
                hint=f"chown {os.geteuid()} {path}",
            )

    def ssh_options(self) -> list[str]:
        """The options that every hop has; the strict ones first, as the first wins."""
        options = {
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "Ciphers": CIPHERS,
            "MACs": MACS,
            "ServerAliveInterval": str(KEEPALIVE_SECONDS),
            "ServerAliveCountMax": str(KEEPALIVE_COUNT),
            "ConnectTimeout": "15",
            "UpdateHostKeys": "no",
            "LogLevel": "INFO",
        }
        if self.known_hosts:
            # Quoted: ssh splits the value at blanks.
            options["UserKnownHostsFile"] = f'"{Path(self.known_hosts).expanduser()}"'
            options["GlobalKnownHostsFile"] = "/dev/null"
        if self.key_path:
            options["IdentitiesOnly"] = "yes"
        words = ["-F", "none"]
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        if self.key_path:
            words += ["-i", str(Path(self.key_path).expanduser())]
        return words

    def command(self, local_ends: Sequence[str], host: str, port: int) -> list[str]:
        """The ssh command that forwards local ends to a server.

        Args:
            local_ends: Paths of Unix sockets, or ``127.0.0.1:port``.
            host: The server as the bastion sees it; the path of a Unix socket starts with ``/``.
            port: The server's port; ignored for a socket.
        """
        target = (
            host
            if host.startswith("/")
            else f"[{host}]:{port}"
            if ":" in host
            else (f"{host}:{port}")
        )
        command = ["ssh", *self.ssh_options(), "-N", "-T", "-o", "ExitOnForwardFailure=yes"]
        command += STANDS_OPTIONS
        if self.jump:
            command += ["-o", f"ProxyCommand={self._proxy_command()}"]
        # A socket that an earlier ssh has left is in the way of the next one.
        command += ["-o", "StreamLocalBindUnlink=yes", "-o", "StreamLocalBindMask=0177"]
        for end in local_ends:
            command += ["-L", f"{end}:{target}"]
        command += ["-p", str(self.port)]
        if self.user:
            command += ["-l", self.user]
        return [*command, "--", self.host]

    def _proxy_command(self) -> str:
        """Chains the jump hosts; ``-J`` would not hand our options on to them."""
        nested = ""
        for hop in (self.jump or "").split(","):
            user, at, address = hop.strip().rpartition("@")
            name, colon, port = address.rpartition(":")
            words = ["ssh", *self.ssh_options(), "-W", "%h:%p"]
            if nested:
                words += ["-o", f"ProxyCommand={nested.replace('%', '%%')}"]
            words += ["-p", port] if colon else []
            words += ["-l", user] if at else []
            words += ["--", name if colon else address]
            nested = " ".join(_shell_quote(word) for word in words)
        return nested


def _shell_quote(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
