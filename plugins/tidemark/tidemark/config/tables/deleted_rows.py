"""Which tables keep rows that are deleted in MySQL, according to their contracts."""

from __future__ import annotations

from pathlib import Path

import yaml
from tidemark_core.errors import ConfigError
from tidemark_core.text.documents import Json

from tidemark.config.files.yaml_document import read_yaml

#: The column of a contract that says when a row was found deleted, unless MySQL's has that name.
DELETED_AT = "deleted_at"
TABLES = "transform/models/tables"
_OPEN = "{{ '{' }}"


def deleted_at(model: Json) -> str | None:
    """A contract's own column for deleted rows, as it is written; None: it has none.

    Args:
        model: The contract, as YAML has it.
    """
    meta = meta_of(model)
    names = [str(column["name"]) for column in model.get("columns") or []]
    name = str(meta.get("deleted_at") or DELETED_AT)
    return name if "hard_delete" in meta and name in names else None


def meta_of(model: Json) -> Json:
    """What a contract says in ``config: meta:``."""
    return (model.get("config") or {}).get("meta") or {}


def unescaped(text: str) -> str:
    """A text of a contract as dbt's Jinja gives it."""
    return text.replace(_OPEN, "{")


def models_in(path: str, text: str) -> list[Json]:
    """The models of a YAML file.

    Raises:
        ConfigError: It is not valid YAML.
    """
    try:
        return (read_yaml(text) or {}).get("models") or []
    except (yaml.YAMLError, AttributeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}", hint="correct it") from error


def marking_columns(root: Path) -> dict[str, str]:
    """The columns for deleted rows, by ``schema.table`` of the source.

    Args:
        root: The project's folder.

    Raises:
        ConfigError: A contract is not valid YAML.
    """
    found = {}
    for path in sorted((root / TABLES).glob("*.yml")):
        for model in models_in(str(path.relative_to(root)), path.read_text()):
            name, source = deleted_at(model), meta_of(model).get("source")
            if name is not None and source is not None:
                found[unescaped(str(source))] = unescaped(name)
    return found
