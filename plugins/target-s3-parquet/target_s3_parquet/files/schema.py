"""A stream's schema as the lake sees it: column types, Arrow schema, and what a change is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from tidemark_core.errors import LakeError, TidemarkError
from tidemark_core.lake.folders import folder_suffix
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName, fold_columns
from tidemark_core.text.documents import Json
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import (
    ANNOTATION,
    FULL_TABLE,
    PADDED,
    from_json_schema,
    is_metadata,
    replication_method,
    to_json_schema,
)

_KEPT = ("description", "title", PADDED)


@dataclass(frozen=True)
class StreamSchema:
    """The columns of a table during one run.

    Attributes:
        table: The source table.
        types: Type of each column, in order.
        texts: Columns whose values are text in the messages, whatever their type.
        singer: The Singer schema that manifests carry: exact types, nothing else.
        key_properties: Primary key, may be empty.
        method: How the rows are read; None: the stream does not say.
    """

    table: TableName
    types: dict[str, ColumnType]
    texts: frozenset[str]
    singer: Json
    key_properties: tuple[str, ...]
    method: str | None = None

    @classmethod
    def parse(
        cls, table: TableName, schema: Json, key_properties: Sequence[str] | None
    ) -> StreamSchema:
        """Reads the schema of a SCHEMA message.

        Raises:
            ConfigError: Two columns collide, or a type is unknown.
            LakeError: The schema has no columns, or a key that is not a column.
        """
        properties: Mapping[str, Json] = schema.get("properties") or {}
        if not properties:
            raise LakeError("its schema has no columns", table=table)
        fold_columns(properties, table=table, reserved=())
        keys = tuple(key_properties or ())
        for key in keys:
            if key not in properties:
                raise LakeError("a key property is not a column", table=table, column=key)
        types = {}
        singer = {}
        for name, declared in properties.items():
            try:
                types[name] = from_json_schema(declared)
            except TidemarkError as error:
                raise LakeError(error.message, table=table, column=name) from error
            exact = to_json_schema(types[name], nullable=_is_nullable(declared))
            singer[name] = exact | {word: declared[word] for word in _KEPT if word in declared}
            if is_metadata(name, declared):
                del singer[name][ANNOTATION]
        texts = frozenset(name for name, declared in properties.items() if _is_text(declared))
        exact_schema = {"type": "object", "properties": singer}
        return cls(table, types, texts, exact_schema, keys, replication_method(schema))

    @property
    def columns(self) -> list[str]:
        """The columns of the source, without the metadata of rows."""
        return [name for name, told in self.singer["properties"].items() if ANNOTATION in told]

    @property
    def arrow(self) -> pa.Schema:
        """The schema of its Parquet files."""
        return pa.schema([(name, to_arrow(kind)) for name, kind in self.types.items()])

    @property
    def suffix(self) -> str:
        """The suffix of the names of its files' folders."""
        return folder_suffix(self.types)

    def is_same(self, other: StreamSchema) -> bool:
        """Whether files of both can be read as one: columns, types, order and keys agree."""
        return (
            list(self.types.items()) == list(other.types.items())
            and self.key_properties == other.key_properties
        )

    def is_known_empty(self, newest: Manifest | None) -> bool:
        """Whether the lake already says what a file without rows would say.

        That is which columns there are, and of a full copy that there was no row.

        Args:
            newest: The table's newest commit, if there is one.
        """
        if newest is None:
            return False
        is_empty_copy = newest.is_full_copy and not newest.rows
        if self.method == FULL_TABLE and not is_empty_copy:
            return False
        return self.is_same(StreamSchema.parse(self.table, newest.schema, newest.key_properties))

    def changes(self, later: StreamSchema) -> str:
        """Says in words how a later schema differs."""
        said = [f"{name} is new" for name in later.types if name not in self.types]
        said += [f"{name} is gone" for name in self.types if name not in later.types]
        said += [
            f"{name} was {self.types[name]} and is {kind}"
            for name, kind in later.types.items()
            if name in self.types and self.types[name] != kind
        ]
        if self.key_properties != later.key_properties:
            said.append(f"the key was {self.key_properties} and is {later.key_properties}")
        return ", ".join(said) or "the order of its columns"


def _kinds(declared: Json) -> list[str]:
    kind = declared.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _is_nullable(declared: Json) -> bool:
    options = [declared, *declared.get("anyOf", []), *declared.get("oneOf", [])]
    kinds = [kind for option in options for kind in _kinds(option)]
    return not kinds or "null" in kinds


def _is_text(declared: Json) -> bool:
    return "string" in _kinds(declared) and not {"object", "array"} & set(_kinds(declared))


def key_error(
    schema: StreamSchema, column: str, reasons: Iterable[str], key: str | None = None
) -> LakeError:
    """The error of keys that were changed on the way: two of them may have become one."""
    return LakeError(
        f"values of its key were altered ({', '.join(reasons)}); keys are never altered, so "
        "nothing of the table was committed",
        table=schema.table,
        column=column,
        key=key,
        hint="correct those rows in the source and run again, or exclude the table with a select "
        f"rule: '!{schema.table.stream}.*'",
    )
