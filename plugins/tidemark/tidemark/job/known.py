"""Checks that there is such a job before it is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from tidemark_core.errors import ConfigError
from tidemark_core.text.documents import Json

from tidemark.config.files.meltano_files import files
from tidemark.config.files.yaml_document import read_yaml


def refuse_unknown(name: str, root: Path) -> None:
    """Stops a run of what is neither a job of the project nor one of its plugins.

    Args:
        name: What was typed: a job, or a block of ``meltano run`` such as ``dbt:build``.
        root: The project's folder.

    Raises:
        ConfigError: Meltano would not find it.
    """
    try:
        jobs, plugins = _named(list(_documents(root)))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return  # There is no project, or a damaged one: Meltano says it better.
    if jobs and name not in jobs and name.partition(":")[0] not in plugins:
        raise ConfigError(
            f"there is no job {name!r}; nothing was run",
            hint=f"choose one of: {', '.join(sorted(jobs))}",
        )


def _named(documents: list[Json]) -> tuple[set[str], set[str]]:
    """The names of the jobs, and those of the plugins."""
    jobs = {job["name"] for document in documents for job in document.get("jobs") or []}
    plugins = {
        plugin["name"]
        for document in documents
        for kind in (document.get("plugins") or {}).values()
        for plugin in kind
    }
    return jobs, plugins


def _documents(root: Path) -> Iterator[Json]:
    for path in files(root):
        yield read_yaml(path.read_text("utf-8")) or {}
