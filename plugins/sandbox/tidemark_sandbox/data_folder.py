"""A sandbox's folder: its owner, its lock, its contents."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.settings.config import Config, remember


def claim(config: Config) -> None:
    """Makes the folder, if it is not there.

    Raises:
        SandboxError: It holds something other than a sandbox.
    """
    folder = config.dir
    leftovers = {config.marker.with_suffix(".tmp").name, "lock"}
    if (
        folder.exists()
        and not config.marker.exists()
        and any(path.name not in leftovers for path in folder.iterdir())
    ):
        raise SandboxError(
            f"{folder} is not a sandbox and was not changed",
            hint="choose another folder: tidemark-sandbox up --dir DIR",
        )
    folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def lock(config: Config) -> Iterator[None]:
    """One `up`, `down` or `reset` at a time."""
    with (config.dir / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make(config: Config) -> None:
    """Makes it a sandbox with its folders inside, each with its mode.

    Raises:
        SandboxError: One belongs to another user.
    """
    # PostgreSQL's account has to pass through when we are root; what is secret is deeper.
    through = 0o711 if os.geteuid() == 0 else 0o700
    _own(config.dir, through)
    remember(config)  # before anything else is in it: a start cut short is known as a sandbox
    _own(config.sockets, through)
    for folder in (config.inner, config.logs, config.run):
        _own(folder, 0o700)


def _own(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise SandboxError(f"{folder} belongs to somebody else", hint=f"ls -ld {folder}")
    folder.chmod(mode)


def remove(config: Config) -> None:
    """Removes the data and the folder; no process may use them."""
    for folder in (config.postgres, config.sockets):
        shutil.rmtree(folder, ignore_errors=True)
    for path in config.dir.iterdir():
        if path != config.marker:  # the marker last: a reset cut short can be resumed
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(config.dir)


def copy(source: Path, target: Path) -> None:
    """Copies a folder with its owners and modes, which servers insist on."""
    subprocess.run(["cp", "-a", "--reflink=auto", source, target], check=True)
