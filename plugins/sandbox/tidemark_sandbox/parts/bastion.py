"""OpenSSH's server as the bastion: it forwards connections and does nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tidemark_sandbox.access.ssh import ssh_command
from tidemark_sandbox.debian.packages import program
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.host.ports import HOST
from tidemark_sandbox.parts.base import Part
from tidemark_sandbox.settings.accounts import account_name

_INITIAL = Path(__file__).with_name("sshd_config")
#: Debian's sshd, when root, wants an empty folder that only root can write to; the package's
#: service makes it, and there may be no service.
_SEPARATION = Path("/run/sshd")


class Bastion(Part):
    """The host between people and the two databases."""

    name = "bastion"

    @property
    def address(self) -> str:
        return f"{HOST}:{self.config.ports.bastion}"

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        return (self.config.ports.bastion,)

    @property
    def host_key(self) -> Path:
        return self.folder / "host_key"

    @property
    def settings(self) -> Path:
        return self.folder / "sshd_config"

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.config.ssh.mkdir(mode=0o700, exist_ok=True)
        host = _key(self.host_key, "tidemark-sandbox-bastion")
        client = _key(self.config.client_key, "tidemark-sandbox-client")
        authorized = self.folder / "authorized_keys"
        _write(authorized, f"restrict,port-forwarding {client}\n")
        port = self.config.ports.bastion
        _write(self.config.known_hosts, f"[{HOST}]:{port} {' '.join(host.split()[:2])}\n")
        _write(
            self.settings,
            _INITIAL.read_text().format(
                host=HOST,
                port=port,
                host_key=self.host_key,
                authorized=str(authorized).replace("%", "%%"),  # sshd_config(5) has tokens
                user=account_name(),
            ),
        )
        if os.geteuid() == 0:
            _SEPARATION.mkdir(mode=0o755, parents=True, exist_ok=True)

    def command(self) -> list[str]:
        return [program("sshd"), "-D", "-e", "-f", str(self.settings)]

    def environment(self) -> Mapping[str, str]:
        # What it starts must not inherit anything of ours.
        return {"PATH": "/usr/bin:/bin"}

    def probe(self) -> str:
        """Logs in and forwards a connection, to its own port, whose greeting names the version."""
        target = f"{HOST}:{self.config.ports.bastion}"
        result = subprocess.run(
            ssh_command(self.config, "-W", target),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=6,
            check=False,
        )
        greeting = result.stdout.partition("\n")[0].strip()
        if not greeting.startswith("SSH-2.0-"):
            raise SandboxError(f"forwards nothing: {result.stderr.strip()}")
        return greeting.removeprefix("SSH-2.0-")


def _key(path: Path, comment: str) -> str:
    """Makes an ed25519 key pair unless it is there, and returns its public half."""
    public = path.with_name(path.name + ".pub")
    if not (path.exists() and public.exists()):
        half = path.with_name(path.name + ".new")
        for old in (half, half.with_name(half.name + ".pub")):
            old.unlink(missing_ok=True)
        subprocess.run(
            [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", half],
            check=True,
            stdin=subprocess.DEVNULL,
        )
        half.with_name(half.name + ".pub").rename(public)
        half.rename(path)
    path.chmod(0o600)
    return public.read_text().strip()


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
