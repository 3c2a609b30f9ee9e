"""Walks folders while other processes add and remove files."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from pathlib import Path


def walk_files(folder: Path, skipped: Container[str] = ()) -> Iterator[Path]:
    """All files below a folder, none if there is no such folder.

    `pathlib.Path.rglob` raises if a folder is removed after it was listed and before it is read.

    Args:
        folder: Where to begin.
        skipped: Names of folders directly below ``folder`` that are not entered.
    """
    for name, folders, files in os.walk(folder):
        here = Path(name)
        if here == folder:
            folders[:] = [name for name in folders if name not in skipped]
        yield from (here / name for name in files)
