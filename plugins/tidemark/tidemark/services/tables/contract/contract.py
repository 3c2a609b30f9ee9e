"""A table's contract, transform/models/tables/<name>.yml: read and written. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tap_mysql.source.schema import Table
from target_redshift.model.landing_table import LandingTable
from tidemark_core.text.documents import Json
from tidemark_core.text.printable import printable
from tidemark_core.types.singer_schema import INCREMENTAL

from tidemark.config.files.yaml_text import block, flow
from tidemark.config.tables.deleted_rows import (
    DELETED_AT,
    deleted_at,
    meta_of,
    models_in,
    unescaped,
)
from tidemark.services.tables.contract.identifiers import needs_quotes
from tidemark.services.tables.method import Method

#: What a table's model is made of, all of it.
MODEL_SQL = "{{ table_from_contract() }}\n"
#: A description that is shorter says too little by itself.
_SHORT, _SHORTEST = 20, 4
#: What `make lint` asks of a table's key, so that a table without one cannot pass.
_OF_KEYS = ("check_model_has_unique_test", "check_model_has_tests_by_name")
#: Where Jinja would begin to read.
_JINJA = re.compile(r"\{(?=[{%#])")
_ESCAPED = "{{ '{' }}"


@dataclass(frozen=True)
class Contract:
    """What a table's contract says, as far as it is compared with the source.

    Attributes:
        path: Its file, below the project's folder.
        name: The model's, and so the table's in landing and in public.
        source: ``schema.table``.
        method: ``INCREMENTAL``, ``LOG_BASED`` or ``FULL_TABLE``.
        replication_key: As the warehouse spells it.
        key: Columns of the key, likewise.
        columns: Data types by name, in the contract's order.
        place: Number of the model in its file.
        models: How many models the file has.
        deleted_at: Its own column that says when a row was found deleted; None: it has none.
        hard_delete: Whether rows that are deleted in MySQL leave the table.
        raw: All that is written of the model.
    """

    path: str
    name: str
    source: str
    method: str
    replication_key: str | None
    key: tuple[str, ...]
    columns: Mapping[str, str]
    place: int = 0
    models: int = 1
    deleted_at: str | None = None
    hard_delete: bool = True
    raw: Json = field(default_factory=dict, repr=False, compare=False)


def read_contracts(path: str, text: str) -> list[Contract]:
    """Reads the contracts of a file; models that name no source table are passed over.

    Raises:
        ConfigError: It is not valid YAML.
    """
    models = models_in(path, text)
    found = []
    for place, model in enumerate(models):
        config = model.get("config") or {}
        meta, marking = meta_of(model), deleted_at(model)
        if "source" not in meta:
            continue
        key = config.get("unique_key") or []
        found.append(
            Contract(
                path=path,
                name=str(model["name"]),
                source=unescaped(str(meta["source"])),
                method=str(meta.get("replication_method") or INCREMENTAL),
                replication_key=_optional(meta.get("replication_key")),
                key=tuple(unescaped(name) for name in ([key] if isinstance(key, str) else key)),
                columns={
                    unescaped(str(column["name"])): str(column.get("data_type", ""))
                    for column in model.get("columns") or []
                },
                place=place,
                models=len(models),
                deleted_at=None if marking is None else unescaped(marking),
                hard_delete=meta.get("hard_delete") is not False,
                raw=model,
            )
        )
    return found


def described(contract: Contract) -> str:
    """How a contract says that its table is copied, as `Method` has it."""
    key = contract.replication_key
    return f"{INCREMENTAL} by {key}" if key and contract.method == INCREMENTAL else contract.method


def _optional(text: object) -> str | None:
    return None if text is None else unescaped(str(text))


def write(
    name: str, landing: LandingTable, table: Table, method: Method, *, hard_delete: bool = True
) -> str:
    """The contract of a table that has none yet.

    Args:
        name: The table's name in landing and in public.
        landing: The landing table that its schema makes, by the type map.
        table: As the source describes it.
        method: How it is copied.
        hard_delete: Whether rows that are deleted in MySQL leave the table.
    """
    key = [column.name for column in landing.keys]
    marking = None if hard_delete else marking_column(landing)
    meta = safe(copied_meta(landing, table, method)) | marking_meta(marking)
    if key:
        config = {"unique_key": safe(key), "meta": meta}
    else:
        config = {"meta": meta | {"dbt-bouncer": {"skip_checks": list(_OF_KEYS)}}}
    lines = [
        "version: 2\n\n",
        "sources:\n  - name: landing\n",
        f"    tables: [{{name: {name}}}]\n\n",
        f"models:\n  - name: {name}\n",
        f"    description: {flow(safe(_table_description(table)))}\n",
        "    config:\n",
        block(config, 6),
    ]
    if key:
        lines.append(f"    constraints:\n      - {flow(safe(_primary_key(key)))}\n")
    if len(key) > 1 or any(map(_is_untestable, key)):
        test = {"unique_combination": {"arguments": {"columns": key}}}
        lines.append(f"    data_tests:\n      - {flow(safe(test))}\n")
    lines.append("    columns:\n")
    told = columns_text(landing, table) + ([] if marking is None else [marking_text(marking)])
    lines += [f"      - {text}\n" for text in told]
    return "".join(lines)


def _is_untestable(column: str) -> bool:
    """Whether dbt quotes a column's name wrongly in tests of the column itself."""
    return '"' in column


def _primary_key(key: Sequence[str]) -> dict[str, object]:
    promises = {"warn_unsupported": False, "warn_unenforced": False}
    return {"type": "primary_key", "columns": list(key), **promises}


def copied_meta(landing: LandingTable, table: Table, method: Method) -> dict[str, str]:
    """What a contract says of how the table is copied."""
    meta = {"source": str(table.name), "replication_method": method.name}
    if method.key is not None:
        names = {column.source: column.name for column in landing.columns}
        meta["replication_key"] = names[method.key]
    return meta


def marking_column(landing: LandingTable) -> str:
    """A name for a table's column for deleted rows, which no column of MySQL has."""
    name, others = DELETED_AT, {column.name for column in landing.columns}
    while name in others:
        name = f"row_{name}"
    return name


def marking_meta(column: str | None) -> dict[str, object]:
    """What a contract says of how deleted rows are kept.

    Args:
        column: Its column for them; None: they are not kept.
    """
    if column is None:
        return {}
    return {"hard_delete": False} | ({} if column == DELETED_AT else {"deleted_at": column})


def marking_text(column: str) -> str:
    """The column for deleted rows, as YAML in one line."""
    said = "When the row was found to be deleted in MySQL (UTC); NULL while it exists."
    return flow({"name": column, "data_type": "timestamp", "description": said})


def columns_text(landing: LandingTable, table: Table) -> list[str]:
    """Each column of a contract, as YAML in one line."""
    alone = len(landing.keys) == 1
    found = []
    for column in landing.columns:
        source = table.column(column.source)
        told: dict[str, object] = {"name": column.name}
        if needs_quotes(column.name):
            told["quote"] = True
        told["data_type"] = column.redshift.lower()
        told["description"] = _description(
            source.comment if source else "", source.mysql.column_type if source else ""
        )
        if column.key:
            told["constraints"] = [{"type": "not_null", "warn_unsupported": False}]
        if column.key and not _is_untestable(column.name):
            told["data_tests"] = ["unique", "not_null"] if alone else ["not_null"]
        found.append(flow(safe(told)))
    return found


def _table_description(table: Table) -> str:
    comment = _one_line(table.comment)
    kind = "view" if table.is_view else "table"
    own = f"The {kind} {printable(str(table.name))} of MySQL."
    if len(comment) >= _SHORT:
        return comment
    return f"{comment.rstrip('.')}. {own}" if comment else own


def _description(comment: str, column_type: str) -> str:
    text = _one_line(comment)
    own = f"{column_type} in MySQL."
    if len(text) >= _SHORTEST:
        return text
    return f"{text} ({own})" if text else own


def _one_line(comment: str) -> str:
    return printable(" ".join(comment.split()))


def safe(value: Any) -> Any:
    """Escapes a value's texts, so that dbt's Jinja gives them back as they were."""
    if isinstance(value, str):
        return _JINJA.sub(lambda _: _ESCAPED, value)
    if isinstance(value, Mapping):
        return {key: safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [safe(item) for item in value]
    return value
