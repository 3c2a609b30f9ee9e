"""Which columns the warehouse keeps as SUPER, by the setting SUPER_COLUMNS. Pure.

JSON becomes a parsed value, text a string in SUPER, which may be longer than any VARCHAR, or a
parsed value too, if it is JSON by what it holds. The lake keeps all of it as text, so the setting
can change without reading the source again.
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
#: https://docs.aws.amazon.com/redshift/latest/dg/r_SUPER_type.html
MAX_SUPER_BYTES = 16 * 1024 * 1024
#: Of a string in SUPER where enable_large_strings_opt_in is set; else those of a VARCHAR.
#: https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html
MAX_LARGE_STRING_BYTES = 16_000_000
#: What is in a column: JSON, which is parsed, or text, which becomes a string.
JSON, TEXT = "json", "text"
#: The table that stands for any other.
ANY = "*"
_SHOWN = "docs/types.md shows the allowed contents"


@dataclass(frozen=True)
class SuperColumns:
    """The setting, read.

    Attributes:
        any_json: Whether the JSON columns of tables without an entry of their own are SUPER.
        json_tables: Tables, as ``schema.table``, of which all JSON columns are.
        named: By table, the columns as they are written, and whether each is said to be JSON.
    """

    any_json: bool = False
    json_tables: frozenset[str] = frozenset()
    named: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)

    @classmethod
    def parse(cls, told: Json) -> SuperColumns:
        """Reads ``{"schema.table": ["column", {"text": "json"}], "*": "json"}``.

        Raises:
            ConfigError: A value is neither the word nor a list of columns, or ``*`` has a list.
        """
        named: dict[str, dict[str, bool]] = {}
        words = set()
        for table, value in flat_names(told):
            if value == JSON:
                words.add(table)
            elif table == ANY or not isinstance(value, list) or None in map(_item, value):
                raise _wrong(f"has {value!r} for {table!r}")
            else:
                named[table] = dict(filter(None, map(_item, value)))
        return cls(ANY in words, frozenset(words - {ANY}), named)

    def of(self, table: TableName, columns: Mapping[str, ColumnType]) -> dict[str, str]:
        """What is in a table's SUPER columns, `JSON` or `TEXT`, by their names in the source.

        Columns that the table does not have are left out.

        Args:
            table: The table.
            columns: Its columns' types by their names in the source.

        Raises:
            ConfigError: A column has a type that SUPER is not for.
        """
        chosen = self.named.get(str(table))
        if chosen is None:
            is_all = self.takes_any_json(table)
            return {name: JSON for name, kind in columns.items() if is_all and kind.kind == JSON}
        wanted = {fold(name): is_json for name, is_json in chosen.items()}
        return {
            name: _held(table, name, kind, said=wanted[fold(name)])
            for name, kind in columns.items()
            if fold(name) in wanted
        }

    @property
    def is_empty(self) -> bool:
        """Whether nothing is SUPER."""
        return self == NO_SUPER

    def takes_any_json(self, table: TableName | str) -> bool:
        """Whether all JSON columns of a table are."""
        name = str(table)
        return name in self.json_tables or (self.any_json and name not in self.named)

    def says_json(self, table: TableName | str, column: str) -> bool:
        """Whether the setting says of a text column that it holds JSON."""
        chosen = self.named.get(str(table), {})
        return any(is_json and fold(name) == fold(column) for name, is_json in chosen.items())

    def missing(self, table: TableName | str, columns: Collection[str]) -> list[str]:
        """The names that the setting has of a table, and the table does not."""
        known = set(map(fold, columns))
        return [name for name in self.named.get(str(table), ()) if fold(name) not in known]


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


def _held(table: TableName, name: str, kind: ColumnType, *, said: bool) -> str:
    """What a column holds, of which the setting may have said that it is JSON."""
    if kind.kind not in (JSON, "string"):
        raise _wrong(f"names a column of type {kind}: SUPER is for JSON and long text", table, name)
    if said or kind.kind == JSON:
        return JSON
    if varchar_bytes(kind) < MAX_VARCHAR_BYTES:
        raise _wrong(f"names a text that always fits VARCHAR({varchar_bytes(kind)})", table, name)
    return TEXT


def _item(value: Any) -> tuple[str, bool] | None:
    """A column of the list, and whether it is said to be JSON; None: it is neither form."""
    if isinstance(value, Mapping) and list(value.values()) == [JSON]:
        return (next(iter(value)), True)
    return (value, False) if isinstance(value, str) and value else None


def _wrong(what: str, table: TableName | str | None = None, column: str = "") -> ConfigError:
    place = f"correct config: {SUPER_COLUMNS.name}: of target-redshift in load/loaders.meltano.yml"
    hint = f"{place}: {_SHOWN}"
    return ConfigError(f"{SUPER_COLUMNS.env} {what}", table=table, column=column or None, hint=hint)
