"""MySQL from Debian unstable, in a folder of its own, since no stable Debian has it.

Its programs want newer libraries than this machine's, so they are run by the folder's own dynamic
loader (ld.so(8)): no chroot, no mount, and root rights only for the installation.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tidemark_sandbox.debian import packages
from tidemark_sandbox.errors import SandboxError

_PACKAGE = "mysql-server-core"
_MIRROR = "http://deb.debian.org/debian"


def folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where it is: SANDBOX_MYSQL_SYSTEM, else in the user's cache."""
    environ = os.environ if environ is None else environ
    if environ.get("SANDBOX_MYSQL_SYSTEM"):
        return Path(environ["SANDBOX_MYSQL_SYSTEM"]).resolve()
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "tidemark-sandbox" / "mysql-system"


def ensure() -> Path:
    """Installs it unless it is there, which takes a minute and 600 MB.

    Returns:
        Its folder.

    Raises:
        MissingPackagesError: debootstrap is not installed.
        SandboxError: The installation failed.
    """
    system = folder()
    system.parent.mkdir(parents=True, exist_ok=True)
    with system.with_suffix(".lock").open("w") as lock:  # only one sandbox installs it
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not system.exists():
            half = system.with_suffix(".new")
            _install(half)
            half.rename(system)
    return system


def program(name: str) -> list[str]:
    """The command that runs one of its servers."""
    system = folder()
    (loader,) = {path.resolve() for path in system.glob("lib*/ld-linux-*.so.*")}
    return [
        str(loader),
        "--inhibit-cache",
        "--library-path",
        str(loader.parent),
        str(system / "usr" / "sbin" / name),
    ]


def _install(half: Path) -> None:
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    if half.exists():  # left by an installation cut short
        subprocess.run([*as_root, "rm", "-rf", "--one-file-system", str(half)], check=True)
    command = [
        *as_root,
        packages.program("debootstrap"),
        "--variant=minbase",
        f"--include={_PACKAGE}",
        "sid",
        str(half),
        _mirror(),
    ]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode:
        raise SandboxError(
            f"debootstrap did not install {_PACKAGE} of Debian unstable:\n{result.stdout[-1500:]}",
            hint=f"less {half}/debootstrap/debootstrap.log, then tidemark-sandbox up again",
        )


def _mirror() -> str:
    """The mirror that apt uses."""
    if shutil.which("apt-get"):
        found = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Label: Debian"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split()
        if found:
            return found[0]
    return _MIRROR
