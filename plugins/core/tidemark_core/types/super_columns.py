"""Which columns the warehouse keeps as SUPER, by the setting SUPER_COLUMNS. Pure.

JSON becomes a parsed value, text a string in SUPER, which may be longer than any VARCHAR. The lake
keeps both as text, so the setting can change without reading the source again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidemark_core.errors import ConfigError
from tidemark_core.names import TableName, flat_names, fold
from tidemark_core.settings import SUPER_COLUMNS
from tidemark_core.text.documents import Json
from tidemark_core.types.column_type import MAX_VARCHAR_BYTES, ColumnType, varchar_bytes

SUPER = "SUPER"
#: Of a string in SUPER where enable_large_strings_opt_in is set; else those of a VARCHAR.
#: https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html
MAX_LARGE_STRING_BYTES = 16_000_000
#: The word for all JSON columns of a table, and the table that stands for any other.
JSON, ANY = "json", "*"
_SHOWN = "docs/types.md shows the allowed contents"


@dataclass(frozen=True)
class SuperColumns:
    """The setting, read.

    Attributes:
        any_json: Whether the JSON columns of tables without an entry of their own are SUPER.
        json_tables: Tables, as ``schema.table``, of which all JSON columns are.
        named: Columns by table, as they are written.
    """

    any_json: bool = False
    json_tables: frozenset[str] = frozenset()
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, told: Json) -> SuperColumns:
        """Reads ``{"schema.table": ["column", …], "schema.other": "json", "*": "json"}``.

        Raises:
            ConfigError: A value is neither the word nor a list of names, or ``*`` has a list.
        """
        named: dict[str, tuple[str, ...]] = {}
        words = set()
        for table, value in flat_names(told):
            if value == JSON:
                words.add(table)
            elif table == ANY or not _is_names(value):
                raise _wrong(f"has {value!r} for {table!r}")
            else:
                named[table] = tuple(value)
        return cls(ANY in words, frozenset(words - {ANY}), named)

    def of(self, table: TableName, columns: Mapping[str, ColumnType]) -> frozenset[str]:
        """The source's names of a table's SUPER columns; those that it does not have are left out.

        Args:
            table: The table.
            columns: Its columns' types by their names in the source.

        Raises:
            ConfigError: A column has a type that SUPER is not for.
        """
        chosen = self.named.get(str(table))
        if chosen is None:
            is_all = str(table) in self.json_tables or self.any_json
            return frozenset(name for name, kind in columns.items() if is_all and _is_json(kind))
        found = {name for name in columns if name in chosen or fold(name) in chosen}
        for name in sorted(found):
            _check_type(table, name, columns[name])
        return frozenset(found)

    def missing(self, table: TableName, columns: Collection[str]) -> list[str]:
        """The names that the setting has of a table, and the table does not."""
        known = {*columns, *map(fold, columns)}
        return [name for name in self.named.get(str(table), ()) if name not in known]


#: Nothing is SUPER.
NO_SUPER = SuperColumns()


def not_in_table(table: TableName | str, column: str) -> ConfigError:
    """The error of a column that the setting names and the table does not have."""
    return _wrong("names a column that the table does not have", table, column)


def no_super_key(table: TableName | str, column: str, what: str) -> ConfigError:
    """The error of a column that must be compared or sorted, which Redshift does not do with SUPER.

    https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html
    """
    return _wrong(f"names {what}, which cannot be SUPER", table, column)


def _check_type(table: TableName, name: str, kind: ColumnType) -> None:
    if kind.kind == "string" and varchar_bytes(kind) < MAX_VARCHAR_BYTES:
        raise _wrong(f"names a text that always fits VARCHAR({varchar_bytes(kind)})", table, name)
    if kind.kind not in ("json", "string"):
        raise _wrong(f"names a column of type {kind}: SUPER is for JSON and long text", table, name)


def _is_json(kind: ColumnType) -> bool:
    return kind.kind == "json"


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)


def _wrong(what: str, table: TableName | str | None = None, column: str = "") -> ConfigError:
    place = f"correct config: {SUPER_COLUMNS.name}: of target-redshift in load/loaders.meltano.yml"
    hint = f"{place}: {_SHOWN}"
    return ConfigError(f"{SUPER_COLUMNS.env} {what}", table=table, column=column or None, hint=hint)
