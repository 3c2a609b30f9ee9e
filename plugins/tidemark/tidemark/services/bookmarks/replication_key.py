"""A table's replication key: from its bookmark, its manifests or the source."""

from __future__ import annotations

from dataclasses import dataclass

from tap_mysql.values.bookmark_facts import value_of
from tap_mysql.values.own_part import OWN
from tidemark_core.errors import ConfigError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.text.documents import Json
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import from_json_schema

_TIMES = frozenset({"timestamp", "date"})
_MYSQL_TIMES = frozenset({"timestamp", "datetime", "date"})


@dataclass(frozen=True)
class ReplicationKey:
    """The column that grows with every change, and whether its values are times or ids."""

    column: str
    is_time: bool


def known_key(bookmark: Json | None, newest: Manifest | None) -> ReplicationKey | None:
    """The key that runs have used so far; None if unknown."""
    column = (bookmark or {}).get("replication_key") or (
        newest.bookmark.get("replication_key") if newest else None
    )
    if not isinstance(column, str):
        return None
    own = (bookmark or {}).get(OWN)
    if isinstance(own, dict) and "key_type" in own:
        return ReplicationKey(column, ColumnType.parse(str(own["key_type"])).kind in _TIMES)
    value = value_of(bookmark)
    if value is not None:
        return ReplicationKey(column, isinstance(value, str))
    properties = newest.schema.get("properties", {}) if newest else {}
    if column in properties:
        return ReplicationKey(column, from_json_schema(properties[column]).kind in _TIMES)
    return None


def key_of_type(column: str, data_type: str, table: TableName) -> ReplicationKey:
    """A key from what the source says of its column.

    Raises:
        ConfigError: The source has no such column.
    """
    if not data_type:
        raise ConfigError(
            "the source's table has no such column", table=table, column=column,
            hint="correct its replication-key in extract/extractors.meltano.yml",
        )  # fmt: skip
    return ReplicationKey(column, data_type.lower() in _MYSQL_TIMES)
