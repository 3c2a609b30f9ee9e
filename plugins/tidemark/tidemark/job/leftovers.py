"""Removes what a killed Meltano leaves behind: plugin configurations, passwords in clear."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
from tidemark_core.host.walk import walk_files


def system_folder(root: Path, environ: Mapping[str, str]) -> Path:
    """Meltano's own: ``.meltano`` of the project unless set otherwise."""
    given = environ.get("MELTANO_SYS_DIR_ROOT")
    return Path(given) if given else root / ".meltano"


@dataclass(frozen=True)
class Process:
    """A process that lives.

    Attributes:
        words: Its command line.
        started: Seconds since 1970.
        is_fork: Whether it has the command line of the process that it is a child of.
    """

    words: tuple[str, ...]
    started: float
    is_fork: bool = False

    @property
    def is_meltano(self) -> bool:
        # A follower's: what it is forked from outlives its runs, and shows the same words.
        if self.is_fork and self.words[-1].endswith(".meltano"):
            return True
        # For a script the first word is the interpreter.
        return any(Path(word).name == "meltano" for word in self.words[:2])


def remove_stale_configs(folder: Path) -> int:
    """Removes configurations of plugins whose Meltano is dead.

    Args:
        folder: From `system_folder`.

    Returns:
        How many were removed.
    """
    run = walk_files(folder / "run")
    found = [path for path in run if path.name.endswith(".config.json")]
    living = processes() if found else []
    removed = 0
    for path in found:
        try:
            if is_stale(path.name, path.stat().st_mtime, living):
                path.unlink()
                removed += 1
        except FileNotFoundError:  # removed by its run, or by another one that cleans up too
            continue
    return removed


def is_stale(name: str, written: float, living: list[Process]) -> bool:
    """Whether no process needs a configuration any more. Pure.

    Meltano writes one, then starts the plugin that reads it: it is needed while a Meltano lives
    that is older than the file, or a plugin that was started with it.

    Args:
        name: Of the file; no two are alike.
        written: When it was written, seconds since 1970.
        living: All other processes that we may see.
    """
    return not any(
        (process.is_meltano and process.started <= written)
        or any(name in word for word in process.words)
        for process in living
    )


def processes() -> list[Process]:
    """All processes of this machine but this one."""
    found = list(psutil.process_iter(["cmdline", "create_time", "ppid"]))
    words = {each.pid: tuple(each.info["cmdline"] or ()) for each in found}
    return [
        Process(
            words[each.pid],
            each.info["create_time"] or 0.0,
            is_fork=bool(words[each.pid]) and words.get(each.info["ppid"]) == words[each.pid],
        )
        for each in found
        if each.pid != os.getpid()
    ]
