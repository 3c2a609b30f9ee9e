"""The project's files for Meltano, and where a plugin is declared in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from tidemark_core.text.documents import Json

from tidemark.config.files.yaml_document import read_yaml

Folder = Literal["extract", "load"]
#: What Meltano calls the plugins of a folder.
KINDS: dict[Folder, str] = {"extract": "extractors", "load": "loaders"}


def _read(path: Path) -> Any:
    return read_yaml(path.read_text("utf-8"))


def files(root: Path) -> Iterator[Path]:
    """A project's meltano.yml, and what it includes.

    Raises:
        OSError: There is no meltano.yml.
        yaml.YAMLError: It is not YAML.
    """
    main = root / "meltano.yml"
    yield main
    for pattern in (_read(main) or {}).get("include_paths") or []:
        yield from sorted(root.glob(pattern.removeprefix("./")))


def declarations(
    root: Path, folder: Folder, name: str, read: Callable[[Path], Any] = _read
) -> Iterator[tuple[Path, int, Json]]:
    """Where a plugin is declared, file by file.

    Args:
        root: The project.
        folder: In which its kind of plugin is declared.
        name: The plugin's.
        read: Gives a file's document; it may have changes that are not written yet.

    Returns:
        The file, the plugin's index in its list, and its declaration.
    """
    for path in sorted(root.glob(f"{folder}/*.meltano.yml")):
        plugins = (read(path) or {}).get("plugins") or {}
        for place, plugin in enumerate(plugins.get(KINDS[folder]) or []):
            if plugin.get("name") == name:
                yield path, place, plugin
