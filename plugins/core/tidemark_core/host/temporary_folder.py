"""Temporary folders that record their owner, so that the next run removes those of a killed one."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidemark_core.errors import LakeError, TidemarkError
from tidemark_core.host.process_identity import Holder
from tidemark_core.names import TableName

#: ``tidemark-<what>-<machine>-<pid>-<start time of the process>-<random>``.
_NAME = re.compile(
    r"tidemark-[a-z]+-(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)-(?P<started>\d+)-[a-z0-9_]+"
)
#: Most characters of the parent: our folder and the socket's name must fit into 107 bytes too.
_LONGEST_FOLDER = 45


@contextmanager
def temporary_folder(what: str, parent: str | None = None) -> Iterator[Path]:
    """A folder of this process, mode 0700, removed at the end.

    Folders left beside it by ended processes are removed first.

    Args:
        what: What it is for, in lower-case letters.
        parent: Where it is made; None: the system's own place.
    """
    base = Path(parent or tempfile.gettempdir())
    remove_leftovers(base)
    me = Holder.this_process(what)
    prefix = f"tidemark-{what}-{_short(me.machine)}-{me.pid}-{me.started}-"
    # Not TemporaryDirectory, which complains at exit where its owner is closed at exit too.
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def socket_folder(what: str) -> Iterator[Path]:
    """A `temporary_folder` whose path is short enough for a socket in it (sockaddr_un: 107).

    Args:
        what: What it is for, in at most five lower-case letters.
    """
    usual = tempfile.gettempdir()
    short = usual if len(usual) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108
    with temporary_folder(what, short) as folder:
        yield folder


@contextmanager
def writing(
    folder: Path | None,
    *,
    table: TableName,
    setting: str = "TMPDIR",
    kind: type[TidemarkError] = LakeError,
) -> Iterator[None]:
    """Turns the errors of a full or broken disk into one that says what to do.

    Args:
        folder: Where files are written; None: the system's place for temporary ones.
        table: Whose rows they have.
        setting: The variable that names another folder.
        kind: Class of the error.

    Raises:
        TidemarkError: Of that class, in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise kind(
            f"a file in {folder or tempfile.gettempdir()} cannot be written: "
            f"{error.strerror or error}",
            table=table,
            hint=f"free some space, or set {setting} to a folder on a larger disk",
        ) from error


def remove_leftovers(base: Path) -> None:
    """Removes the folders of `temporary_folder` whose process has ended. Never raises."""
    machine = Holder.this_process("").machine
    for folder in base.glob("tidemark-*"):
        match = _NAME.fullmatch(folder.name)
        # A process of another machine, or of another container, may be alive for all we know.
        if (
            not match
            or match["machine"] != _short(machine)
            or folder.is_symlink()
            or not _is_ours(folder)
        ):
            continue
        owner = Holder("", "", int(match["pid"]), int(match["started"]), machine)
        if owner.is_gone:
            shutil.rmtree(folder, ignore_errors=True)


def _short(machine: str) -> str:
    return hashlib.sha256(machine.encode()).hexdigest()[:8]


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    except OSError:
        return False
