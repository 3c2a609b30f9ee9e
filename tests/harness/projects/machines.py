"""This machine as one on which nothing was installed for us: pages are followed there as printed.

Accounts that are made on it, and what they write, are nowhere else.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

#: What is the machine's own, below its folder; the last one may be what the folder lies in.
OWN = ("etc", "home", "opt", "srv", "tmp")
ENTER = f"""
for name in {" ".join(OWN)}; do mount --bind "$0/$name" "/$name"; done
cd /
exec "$@"
"""
#: The certificates and proxies of the real machine reach every account, and nothing else does.
NETWORK = re.compile(r"PIP_CERT|SSL_CERT_FILE|[a-z]+_proxy", re.IGNORECASE)
SYSTEM = "/srv/bin:/usr/bin:/bin"

#: For root, who is the administrator of the pages.
SUDO = """#!/bin/bash
[ "$1" = -u ] || exec "$@"
user=$2; shift 2
exec setpriv --reuid="$user" --regid="$user" --init-groups --no-new-privs \\
    env HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" PATH=/srv/bin:/usr/bin:/bin "$@"
"""
#: The packages are there already, under the names that the page has.
APT_GET = """#!/bin/bash
[ "$1 $2" = "install -y" ] || exit 1
exec dpkg-query -W "${@:3}"
"""
#: Enables the units; starting them would need systemd as the first process.
SYSTEMCTL = """#!/bin/bash
[ "$1 $2" = "enable --now" ] || exit 1
exec /usr/bin/systemctl --root=/ enable "${@:3}"
"""


def become(user: str, group: str, *options: str) -> list[str]:
    """Words before a command that root starts, by which it runs as an ordinary user."""
    who = [f"--reuid={user}", f"--regid={group}", "--init-groups"]
    # What --kill-child asks of the kernel is forgotten when the account changes.
    return ["setpriv", *who, "--no-new-privs", "--pdeathsig=KILL", *options]


class Machine:
    """Folders in the place of the system's, for whatever is started by it.

    Attributes:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["cp", "-a", "/etc", folder / "etc"], check=True)
        for name in OWN[1:]:
            (folder / name).mkdir()
            (folder / name).chmod(0o1777 if name == "tmp" else 0o755)
        for name, text in {"sudo": SUDO, "apt-get": APT_GET, "systemctl": SYSTEMCTL}.items():
            self.program(f"srv/sbin/{name}", text)
        (folder / "srv" / "sbin").chmod(0o700)
        self.root = Terminal(
            self, [], {"HOME": "/srv/sbin", "PATH": f"/srv/sbin:/usr/sbin:/sbin:{SYSTEM}"}
        )

    def program(self, path: str, text: str) -> None:
        """Puts a program there that every account which may enter its folder can start."""
        file = self.folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    def publish(self, checkout: Path) -> str:
        """Makes a repository of a checkout's files, for every account to clone; gives its URL."""
        commit = "git -c user.name=x -c user.email=x@example.com commit -q -m x"
        script = (
            f"git init -q\ngit add -A\n{commit}\ngit clone -q --bare . {self.folder}/srv/origin"
        )
        subprocess.run(["bash", "-euc", script], cwd=checkout, check=True)
        self.root.type("git config --system safe.directory '*'")
        return "file:///srv/origin"

    def terminal(self, user: str, home: str, **environ: str) -> Terminal:
        """A terminal of an account."""
        own = {"HOME": home, "USER": user, "LOGNAME": user, "PATH": SYSTEM}
        return Terminal(self, become(user, user), own | environ)


@dataclass
class Terminal:
    """Where somebody types: what is exported, and the folder, hold for what is typed later.

    Attributes:
        machine: Where.
        become: Words before a command that make it this account's.
        environ: What a terminal of this account begins with.
        kept: Words that bring back what was exported.
    """

    machine: Machine
    become: Sequence[str]
    environ: dict[str, str]
    kept: str = field(default='PWD="$HOME"\n')

    def type(self, script: str, *, offline: bool = False, timeout: float = 1_500) -> str:
        """Runs what somebody types, up to the first command that fails, and ends what it started.

        Args:
            script: Commands of bash.
            offline: Whether all ports are free, and nothing else can be reached.
            timeout: Seconds.

        Returns:
            All that was printed.

        Raises:
            AssertionError: A command failed.
        """
        with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as exported:
            done = subprocess.run(
                self._command(script, exported.fileno(), offline=offline),
                env=_network() | self.environ,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                pass_fds=[exported.fileno()],
                timeout=timeout,
                check=False,
            )
            output, now = _read(printed), _read(exported)
        self.kept = now or self.kept
        assert done.returncode == 0, f"{script}\n{output}"
        return output

    def _command(self, script: str, exported: int, *, offline: bool) -> list[str]:
        """What runs a script as this account, and writes what it has exported to a descriptor."""
        enter = f"/sbin/ip link set lo up\n{ENTER}" if offline else ENTER
        begin = f"trap 'export -p >&{exported}' EXIT\nset -euo pipefail"
        return [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *(["--net"] if offline else []),
            *("bash", "-euc", enter, str(self.machine.folder)),
            *self.become,
            *("bash", "-c", f'{self.kept}cd -- "$PWD"\n{begin}\n{script}'),
        ]


def _network() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if NETWORK.fullmatch(name)}


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
