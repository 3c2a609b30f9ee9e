"""The dbt project on disk: what a build of it depends on, and what dbt says that it makes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from tidemark_core.errors import ConfigError
from tidemark_core.host.walk import walk_files
from tidemark_core.typed_settings import read

from tidemark.config.settings import DbtSettings
from tidemark.dbt.plan import Shape, fingerprint

#: What dbt writes itself, beside what it reads.
_WRITTEN = frozenset({"target", "logs"})
_PROFILES = "profiles.yml"
_VARIABLE = re.compile(rb"env_var\(\s*['\"](\w+)['\"]")
#: Variables, with their defaults, that decide which relations are made but that no model names.
_TARGET = {"MELTANO_ENVIRONMENT": "dev", "REDSHIFT_DATABASE": ""}
_PACKAGES = ("dbt-core", "dbt-redshift")
#: Read by macros, and of no consequence for what a build makes.
_NO_INPUT = frozenset({"REDSHIFT_LOCK_TIMEOUT_SECONDS"})


def project_folder(environ: Mapping[str, str]) -> Path:
    """The folder of dbt_project.yml: DBT_PROJECT_DIR, else this folder, as for dbt."""
    return Path(environ.get("DBT_PROJECT_DIR") or Path.cwd())


def inputs(folder: Path) -> Iterator[Path]:
    """The files of a dbt project but those that dbt writes itself, and hidden ones."""
    for path in walk_files(folder, skipped=_WRITTEN):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def project_fingerprint(folder: Path, environ: Mapping[str, str]) -> str:
    """A hash of the project's files, dbt's versions and the variables that models read.

    How the warehouse is reached (profiles.yml reads it from variables) is not part of it: another
    machine may reach the same warehouse another way.

    Raises:
        ConfigError: There is no project.
    """
    if not (folder / "dbt_project.yml").is_file():
        raise ConfigError(
            f"no dbt_project.yml in {folder}",
            hint="change to transform/, or use meltano invoke dbt:build",
        )
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(inputs(folder))
    }
    named = {
        name.decode()
        for file, body in files.items()
        if file != _PROFILES
        for name in _VARIABLE.findall(body)
    }
    facts = {name: environ.get(name, "") for name in named - _NO_INPUT}
    facts |= {name: environ.get(name) or default for name, default in _TARGET.items()}
    facts["REDSHIFT_SCHEMA"] = read(DbtSettings, {}, environ).redshift_schema
    return fingerprint(files, facts | {name: version(name) for name in _PACKAGES})


def target_folder(folder: Path, environ: Mapping[str, str]) -> Path:
    """Where dbt writes what it has worked out and done."""
    return folder / (environ.get("DBT_TARGET_PATH") or "target")


def read_shape(folder: Path, environ: Mapping[str, str]) -> Shape:
    """What the project makes, from the manifest that dbt has just written."""
    manifest = target_folder(folder, environ) / "manifest.json"
    return Shape.of_manifest(json.loads(manifest.read_bytes()))
