"""Removes what a killed Meltano leaves behind: plugin configurations, passwords in clear."""

from __future__ import annotations

import time
from pathlib import Path

#: Meltano writes one shortly before it starts the plugin that reads it.
_YOUNG_SECONDS = 3600


def remove_stale_configs(system_folder: Path) -> int:
    """Removes configurations of plugins that no process has been started with.

    Args:
        system_folder: Meltano's, ``.meltano`` of the project unless set otherwise.

    Returns:
        How many were removed.
    """
    limit = time.time() - _YOUNG_SECONDS
    found = [
        path
        for path in (system_folder / "run").rglob("*.config.json")
        if path.stat().st_mtime < limit
    ]
    if not found:
        return 0
    commands = _commands()
    stale = [path for path in found if not any(path.name in command for command in commands)]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


def _commands() -> list[str]:
    """The command lines of all processes that we may see."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it has ended meanwhile
            continue
    return commands
