"""A landing table as the stream's schema describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidemark_core.errors import ConfigError
from tidemark_core.names import (
    DELETED_AT,
    EXTRACTED_AT,
    LOAD_ID,
    METADATA_COLUMNS,
    OWN_NAMES,
    LandingNames,
    TableName,
    fold_columns,
)
from tidemark_core.text.documents import Json
from tidemark_core.types.column_type import TIMESTAMP, ColumnType, to_redshift
from tidemark_core.types.singer_schema import PADDED, from_json_schema, is_metadata
from tidemark_core.types.super_columns import NO_SUPER, SUPER, SuperColumns, no_super_key

#: https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_usage.html
MAX_COLUMNS = 1_600
#: The columns that Tidemark adds, in the order in which the table has them.
METADATA: tuple[tuple[str, ColumnType], ...] = (
    (EXTRACTED_AT, TIMESTAMP),
    (DELETED_AT, TIMESTAMP),
    (LOAD_ID, ColumnType("int64")),
)


@dataclass(frozen=True)
class Column:
    """One column of the source.

    Attributes:
        source: Its name in the source and in the Parquet files.
        name: Its name in the warehouse.
        type: Its type in the one type map.
        key: Whether it is part of the primary key.
        padded: Whether trailing blanks do not count in the source either.
        held: What is in it if it is SUPER, JSON or text; None: it is not.
    """

    source: str
    name: str
    type: ColumnType
    key: bool = False
    padded: bool = False
    held: str | None = None

    @property
    def is_super(self) -> bool:
        """Whether the warehouse has it as SUPER."""
        return self.held is not None

    @property
    def is_text(self) -> bool:
        return self.type.kind in ("string", "json")

    @property
    def redshift(self) -> str:
        return SUPER if self.is_super else to_redshift(self.type)


#: Tidemark's columns that files may have, if their rows are read from the source's log.
ROW_COLUMNS = tuple(Column(name, name, kind) for name, kind in METADATA if name != LOAD_ID)


@dataclass(frozen=True)
class LandingTable:
    """A landing table: the source's columns in the source's order, then Tidemark's.

    Attributes:
        table: The source table.
        name: The landing table's own name.
        columns: The source's columns.
    """

    table: TableName
    name: str
    columns: tuple[Column, ...]

    @classmethod
    def from_schema(
        cls,
        table: TableName,
        schema: Json,
        key_properties: Sequence[str],
        names: LandingNames = OWN_NAMES,
        super_columns: SuperColumns = NO_SUPER,
    ) -> LandingTable:
        """Reads a stream's schema.

        Raises:
            ConfigError: A name or type is not possible in Redshift, two names collide, there are
                too many columns, a key property is not a column, or a column cannot be SUPER.
        """
        name = names.check(table)
        properties = {
            column: property_
            for column, property_ in schema.get("properties", {}).items()
            if not is_metadata(column, property_)
        }
        missing = [column for column in key_properties if column not in properties]
        if missing:
            raise ConfigError(
                "the key names a column that is not in the schema",
                table=table,
                column=missing[0],
                hint="correct table-key-properties in the tap's metadata",
            )
        if len(properties) + len(METADATA) > MAX_COLUMNS:
            raise ConfigError(
                f"{len(properties)} columns plus {len(METADATA)} added by Tidemark exceed the "
                f"{MAX_COLUMNS} allowed in a Redshift table",
                table=table,
                hint=f"exclude some columns with select rules: '!{table.stream}.<column>'",
            )
        folded = fold_columns(properties, table=table)
        types = _types(table, properties)
        chosen = super_columns.of(table, types)
        for source in chosen.keys() & set(key_properties):
            raise no_super_key(table, source, "a column of the key")
        columns = (
            Column(
                source=source,
                name=folded[source],
                type=types[source],
                key=source in key_properties,
                padded=property_.get(PADDED) is True,
                held=chosen.get(source),
            )
            for source, property_ in properties.items()
        )
        return cls(table, name, tuple(columns))

    @property
    def has_super(self) -> bool:
        """Whether a column of it is SUPER."""
        return any(column.is_super for column in self.columns)

    @property
    def keys(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.key)

    @property
    def names(self) -> tuple[str, ...]:
        """All column names in the warehouse, Tidemark's included, in order."""
        return (*(column.name for column in self.columns), *METADATA_COLUMNS)

    @property
    def definitions(self) -> tuple[tuple[str, str], ...]:
        """Name and Redshift type of all columns, in order."""
        return (
            *((column.name, column.redshift) for column in self.columns),
            *((name, to_redshift(kind)) for name, kind in METADATA),
        )


def _types(table: TableName, properties: Json) -> dict[str, ColumnType]:
    types = {}
    for source, property_ in properties.items():
        try:
            types[source] = from_json_schema(property_)
        except ConfigError as error:
            raise ConfigError(error.message, table=table, column=source) from error
    return types
