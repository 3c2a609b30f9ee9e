"""From the source's tables and the operator's catalog to what is read of each table."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidemark_core.errors import ConfigError, SourceError
from tidemark_core.types.singer_schema import (
    FULL_TABLE,
    INCREMENTAL,
    LOG_BASED,
    METHOD,
    PADDED,
    ROW_METADATA,
    to_json_schema,
)

from tap_mysql.source.schema import Column, Table

logger = logging.getLogger("tap-mysql.catalog")


def stream_schema(table: Table) -> dict[str, Any]:
    """The JSON schema of a table's stream; columns of unknown types are left out."""
    return {
        "type": "object",
        "properties": {
            column.name: to_json_schema(column.type, nullable=column.nullable)
            for column in table.columns
            if column.type is not None
        },
    }


def with_padding(schema: dict[str, Any], table: Table, keys: tuple[str, ...]) -> dict[str, Any]:
    """A stream's schema that marks the text keys in which trailing blanks do not count."""
    padded = {c.name for c in table.columns if c.name in keys and c.ignores_trailing_blanks}
    properties = {
        name: declared | {PADDED: True} if name in padded else declared
        for name, declared in schema["properties"].items()
    }
    return schema | {"properties": properties}


def with_method(schema: dict[str, Any], method: str) -> dict[str, Any]:
    """A stream's schema that says how the table is read, and what metadata its rows have."""
    own = ROW_METADATA if method == LOG_BASED else {}
    return schema | {METHOD: method, "properties": schema["properties"] | own}


def stream_metadata(table: Table) -> list[dict[str, Any]]:
    """Singer metadata of a table's stream, for discovery (Singer spec, Metadata)."""
    valid = [column.name for column in table.columns if column.can_replicate]
    entries: list[dict[str, Any]] = [
        {
            "breadcrumb": [],
            "metadata": {
                "inclusion": "available",
                "selected": True,
                "schema-name": table.name.schema,
                "is-view": table.is_view,
                "row-count": table.rows,
                "table-key-properties": list(table.primary_key),
                "valid-replication-keys": valid,
            },
        }
    ]
    for column in table.columns:
        # A column of an unknown type too: as unsupported it would silently be left out where a
        # pattern selects it; this way it is refused by name.
        inclusion = "automatic" if column.name in table.primary_key else "available"
        details = {"inclusion": inclusion, "sql-datatype": column.mysql.column_type}
        entries.append({"breadcrumb": ["properties", column.name], "metadata": details})
    return entries


@dataclass(frozen=True)
class Chosen:
    """What the catalog says of a stream.

    Attributes:
        method: ``INCREMENTAL``, ``LOG_BASED`` or ``FULL_TABLE``.
        replication_key: Column name, for INCREMENTAL.
        key_properties: Key columns; empty: the table's own primary key.
        columns: Columns by name, whether each is selected; empty: the catalog says nothing.
    """

    method: str
    replication_key: str | None = None
    key_properties: tuple[str, ...] = ()
    columns: Mapping[str, bool] = field(default_factory=dict)


def replication_column(table: Table, chosen: Chosen) -> Column | None:
    """The column by which a table is read incrementally; None: it is read whole, or by the log.

    Raises:
        ConfigError: There is no such column, or its type does not grow; or the log cannot tell the
            table's rows.
    """
    if chosen.method == LOG_BASED:
        check_log_key(table, chosen.key_properties)
    if chosen.method in (FULL_TABLE, LOG_BASED):
        return None
    hint = (
        f"set metadata {table.name.stream}: replication-key in extract/extractors.meltano.yml, or "
        "replication-method: FULL_TABLE"
    )
    if chosen.method != INCREMENTAL:
        raise ConfigError(
            f"replication method {chosen.method} is not supported by this tap",
            table=table.name,
            hint=hint,
        )
    if not chosen.replication_key:
        raise ConfigError("an INCREMENTAL table needs a replication key", table=table.name,
                          hint=hint)  # fmt: skip
    column = table.column(chosen.replication_key)
    if column is None:
        raise ConfigError(
            "the replication key is not a column of the table",
            table=table.name,
            column=chosen.replication_key,
            hint=hint,
        )
    if not column.can_replicate:
        raise ConfigError(
            f"a column of type {column.mysql.column_type} cannot be a replication key; it must be"
            " a timestamp, a date or an integer",
            table=table.name,
            column=column.name,
            hint=hint,
        )
    return column


def why_not_by_log(table: Table) -> str | None:
    """Why the log does not tell which rows of a table have changed; None: it does."""
    if table.is_view:
        return "the log contains no changes of views"
    if not table.primary_key:
        return "the log identifies rows by primary key, and the table has none"
    for name in (column.name for column in table.columns):
        if name.lower() in ROW_METADATA:
            return f"its column {name} has a name that is reserved for metadata"
    for column in (table.column(name) for name in table.primary_key):
        if column is not None and not column.is_exact_in_log:
            kind = column.mysql.column_type
            if column.character_set is not None:
                kind += f" in {column.character_set}"
            return f"its key column {column.name} has type {kind}, which the log does not support"
    return None


def check_log_key(table: Table, asked: tuple[str, ...] = ()) -> None:
    """Refuses a table whose rows the log does not identify.

    Args:
        table: The table.
        asked: Key columns that the catalog names.

    Raises:
        ConfigError: It cannot be read by the log.
    """
    why = why_not_by_log(table)
    if why is None and asked and {*map(str.lower, asked)} != {*map(str.lower, table.primary_key)}:
        why = (
            "the log identifies rows by primary key, but table-key-properties names a different key"
        )
    if why is not None:
        raise ConfigError(
            f"it cannot be read from the binary log: {why}",
            table=table.name,
            hint="give it a primary key of numbers, dates or utf8mb4 text, or use another method: "
            f"tidemark add {table.name} --full-table",
        )


def key_columns(table: Table, chosen: Chosen) -> tuple[str, ...]:
    """Key columns of the stream, spelled as the source does.

    Raises:
        ConfigError: The catalog names a column that is not there.
    """
    names = []
    for name in chosen.key_properties or table.primary_key:
        column = table.column(name)
        if column is None:
            raise ConfigError(
                "table-key-properties names a column that does not exist",
                table=table.name,
                column=name,
                hint="correct the metadata in extract/extractors.meltano.yml",
            )
        names.append(column.name)
    return tuple(names)


def collation_warnings(table: Table, keys: tuple[str, ...]) -> list[tuple[Column, str]]:
    """Text keys that the source and the warehouse compare differently, and how."""
    found = []
    for column in (table.column(name) for name in keys):
        if column is None:
            continue
        if column.ignores_case:
            told = (
                "texts that differ only in case, accents or the like, such as 'A' and 'a', may be "
                "the same key in "
                f"{column.name} (collation {column.collation}), but are two keys in the warehouse: "
                "if only the case of a key changes, the old spelling remains as a second row"
            )
            found.append((column, told))
        if column.collation is not None and not column.ignores_trailing_blanks:
            told = (
                f"'a' and 'a ' are different keys in {column.name} (collation {column.collation}), "
                "but the same key in the warehouse, which ignores trailing blanks"
            )
            found.append((column, told))
    return found


def warn_of_collations(table: Table, keys: tuple[str, ...]) -> None:
    """Logs what `collation_warnings` finds."""
    for column, told in collation_warnings(table, keys):
        where = {"table": str(table.name), "column": column.name}
        logger.warning("%s: %s", table.name, told, extra=where)


def read_columns(
    table: Table, chosen: Chosen, key: Column | None, keys: tuple[str, ...]
) -> tuple[Column, ...]:
    """The columns that are read, in the table's order.

    Key columns and the replication key are read always. A column that the catalog does not know,
    because it is newer, is read if the catalog leaves no column out; otherwise columns were chosen
    by hand, and the new one waits to be chosen too.

    Raises:
        ConfigError: A selected column has a type unknown to Tidemark.
        SourceError: It is a view of something that is gone.
    """
    known = chosen.columns
    needed = {*keys} | ({key.name} if key else set())
    takes_new = all(known.values())
    found = []
    for column in table.columns:
        wanted = known.get(column.name, takes_new)
        if known and column.name not in known:
            logger.warning(
                "%s: column %s is new and %s", table.name, column.name,
                "is read" if takes_new else "is not selected: meltano select tap-mysql",
                extra={"table": str(table.name), "column": column.name},
            )  # fmt: skip
        if not wanted and column.name not in needed:
            continue
        if column.type is None:
            raise ConfigError(
                f"the MySQL type {column.mysql.column_type!r} is not known to Tidemark",
                table=table.name,
                column=column.name,
                hint=f"exclude the column with a select rule: '!{table.name.stream}.{column.name}'",
            )
        found.append(column)
    if not found and table.is_view and not table.columns:
        raise SourceError(
            "the view has no columns: its tables no longer exist, or its definer may not read them",
            table=table.name,
            hint=f"CHECK TABLE {table.name} shows what is missing; fix the view, or exclude it "
            f"with a select rule: '!{table.name.stream}.*'",
        )
    if not found:
        raise ConfigError(
            "no column of the table is selected",
            table=table.name,
            hint=f"select some: '{table.name.stream}.*' in extract/extractors.meltano.yml",
        )
    return tuple(found)
