"""Walks folders while other processes add and remove files."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from pathlib import Path


def walk_files(folder: Path, skipped: Container[str] = ()) -> Iterator[Path]:
    """All files below a folder, none if there is no such folder.

    `pathlib.Path.rglob` raises if a folder goes between its being named and its being read.

    Args:
        folder: Where to begin.
        skipped: Names, just below ``folder``, of folders that are not entered.
    """
    for name, folders, files in os.walk(folder):
        here = Path(name)
        if here == folder:
            folders[:] = [name for name in folders if name not in skipped]
        yield from (here / name for name in files)
