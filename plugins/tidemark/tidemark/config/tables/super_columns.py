"""Where the project says which columns are SUPER, and whether its contracts say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tidemark_core.errors import ConfigError
from tidemark_core.names import fold
from tidemark_core.settings import SUPER_COLUMNS
from tidemark_core.text.documents import Json
from tidemark_core.types.super_columns import SUPER, SuperColumns, no_super_key, not_in_table

from tidemark.config.tables.deleted_rows import TABLES, meta_of, models_in, unescaped
from tidemark.config.tables.loader_config import told


def read_super_columns(root: Path, environ: Mapping[str, str]) -> SuperColumns:
    """The columns that SUPER_COLUMNS names, or else the config of target-redshift in load/.

    Args:
        root: The project.
        environ: The settings, as environment variables; an empty one is not set.

    Raises:
        ConfigError: They are invalid.
    """
    return SuperColumns.parse(told(root, environ, SUPER_COLUMNS))


def refuse_other_contracts(root: Path, environ: Mapping[str, str]) -> None:
    """Stops a run whose contracts and SUPER_COLUMNS do not agree, before anything is loaded.

    Raises:
        ConfigError: The setting is invalid, names a column that a contract does not have, or that
            Redshift compares or sorts by; or a contract has another type for it.
    """
    chosen = read_super_columns(root, environ)
    if not chosen.is_empty:
        for path in sorted((root / TABLES).glob("*.yml")):
            for model in models_in(str(path.relative_to(root)), path.read_text()):
                if source := meta_of(model).get("source"):
                    check_contract(chosen, unescaped(str(source)), model)


def check_contract(chosen: SuperColumns, table: str, model: Json) -> None:
    """Holds a contract against the setting; the arguments are a table and its model.

    Raises:
        ConfigError: As for `refuse_other_contracts`.
    """
    types = {
        unescaped(str(column["name"])): str(column.get("data_type", ""))
        for column in model.get("columns") or []
    }
    for name in chosen.missing(table, types):
        raise not_in_table(table, name)
    held = {name for name, kind in types.items() if kind.upper() == SUPER}
    for name in sorted({fold(name) for name in chosen.named.get(table, ())} ^ held):
        if name not in held or not chosen.takes_any_json(table):
            raise _other_type(table, name, types[name])
    for name, what in _ordering(model):
        if name in held:
            raise no_super_key(table, name, what)


def _other_type(table: str, column: str, kind: str) -> ConfigError:
    return ConfigError(
        f"its contract has the type {kind}, and {SUPER_COLUMNS.env} says otherwise",
        table=table,
        column=column,
        hint=f"tidemark add {table}",
    )


def _ordering(model: Json) -> Iterator[tuple[str, str]]:
    """The columns by which a model's rows are told apart, compared and placed, and as what."""
    config = model.get("config") or {}
    told = {
        "a column of the key": config.get("unique_key"),
        "the replication key": meta_of(model).get("replication_key"),
        "the distribution key": config.get("dist"),
        "a sort key": config.get("sort"),
    }
    for what, names in told.items():
        for name in [names] if isinstance(names, str) else names or []:
            yield unescaped(str(name)), what
