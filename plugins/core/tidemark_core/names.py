"""The one naming authority: tables, streams, lake folders and warehouse identifiers.

Nothing else in the project formats or cleans a name, so that the file's folder, the landing table
and the bookmark of a table can never disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from tidemark_core.errors import ConfigError
from tidemark_core.text.documents import Json

LANDING_SCHEMA = "landing"
LEDGER_TABLE = "tidemark_loads"
#: Records which rows of the public tables are gone from the source.
DELETIONS_TABLE = "tidemark_deletions"
#: Prefixes that no copy in the landing schema may have, and why.
_NOT_LANDED = {
    "tidemark_": "names with this prefix are reserved for Tidemark's own tables",
    "#": "Redshift treats names with this prefix as temporary tables",
}

EXTRACTED_AT = "_sdc_extracted_at"
DELETED_AT = "_sdc_deleted_at"
LOAD_ID = "_tidemark_load_id"
#: Columns that a landing table has after the source's own, in this order.
METADATA_COLUMNS = (EXTRACTED_AT, DELETED_AT, LOAD_ID)
#: Column names that hive-style readers of the lake derive from the path, as a rule.
PARTITION_COLUMNS = ("year", "month", "day", "hour")

#: https://docs.aws.amazon.com/redshift/latest/dg/r_names.html
MAX_IDENTIFIER_BYTES = 127

_ENCODED = re.compile(r"(?:[A-Za-z0-9_\-]|%[0-9A-F]{2})+")


def encode_component(text: str) -> str:
    """Encodes a name so that it is one path component made of ``[A-Za-z0-9_%-]`` only."""
    return quote(text, safe="").replace(".", "%2E").replace("~", "%7E")


def decode_component(text: str) -> str:
    """Reverses `encode_component`.

    Raises:
        ConfigError: ``text`` is not what `encode_component` writes.
    """
    if not _ENCODED.fullmatch(text):
        raise ConfigError(f"{text!r} is not a valid name in the lake")
    try:
        name = unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{text!r} is not a valid name in the lake") from error
    if encode_component(name) != text:
        raise ConfigError(f"{text!r} is not a valid name in the lake")
    return name


@dataclass(frozen=True, order=True)
class TableName:
    """A source table. ``schema`` is empty for streams of taps that have none."""

    schema: str
    table: str

    def __post_init__(self) -> None:
        for part in (self.schema, self.table):
            if "\0" in part:
                raise ConfigError(f"the name {part!r} contains a NUL character")
        if not self.table:
            raise ConfigError("a table name is empty")

    @classmethod
    def parse(cls, text: str, default_schema: str = "") -> TableName:
        """Reads a table as people say it: ``schema.table``, or a bare name in the default schema.

        Raises:
            ConfigError: There is no table in ``text``.
        """
        schema, dot, table = text.strip().partition(".")
        return cls(schema, table) if dot else cls(default_schema, schema)

    @classmethod
    def from_stream(cls, stream: str) -> TableName:
        """Reads a Singer stream name (``schema-table``); see `stream`."""
        schema, dash, table = stream.partition("-")
        return cls(unquote(schema), table) if dash and schema and table else cls("", stream)

    @classmethod
    def from_lake(cls, folder: str) -> TableName:
        """Reads the name of a table's folder in the lake; see `tidemark_core.lake`.

        Raises:
            ConfigError: No table has a folder of this name.
        """
        schema, dot, table = folder.rpartition(".")
        if dot and not schema:
            raise ConfigError(f"{folder!r} is not a valid name in the lake")
        return cls(decode_component(schema) if dot else "", decode_component(table))

    @property
    def stream(self) -> str:
        """The Singer stream: ``schema-table``; a dash in the schema is percent-encoded."""
        if not self.schema:
            return self.table
        return f"{self.schema.replace('%', '%25').replace('-', '%2D')}-{self.table}"

    @property
    def lake(self) -> str:
        """The table's folder in the lake: ``schema.table``, each part percent-encoded."""
        table = encode_component(self.table)
        return f"{encode_component(self.schema)}.{table}" if self.schema else table

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table


@dataclass(frozen=True)
class LandingNames:
    """The one rule for the name that a source table has in the warehouse, in landing and in public.

    It is the table's bare name, folded as Redshift folds. Where two schemas have tables of the
    same name, or one schema has `Foo` and `foo`, the operator gives one of them another name.

    Attributes:
        given: Folded names by ``schema.table``.
    """

    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, told: Json) -> LandingNames:
        """Reads the setting LANDING_NAMES: names by ``schema.table``.

        Meltano turns a key with dots into nested objects, which are read too.

        Raises:
            ConfigError: A name is not possible in Redshift, or is given to two tables.
        """
        given: dict[str, str] = {}
        for table, name in flat_names(told):
            if not isinstance(name, str):
                raise _names_error(f"has {name!r} instead of a name", table)
            try:
                folded = _landable(name)
            except ConfigError as error:
                raise _names_error(f"has a wrong name: {error.message}", table) from error
            if folded in given.values():
                raise _names_error(f"gives the name {folded!r} to two tables", table)
            given[table] = folded
        return cls(given)

    def of(self, table: TableName) -> str:
        """The name of a table's copy.

        Raises:
            ConfigError: Its own name is longer than Redshift's 127 bytes, and no other was given.
        """
        given = self.given.get(str(table))
        return fold(table.table) if given is None else given

    def check(self, table: TableName) -> str:
        """The same for a table that is to have a copy in the landing schema.

        Raises:
            ConfigError: Its name is too long, one of Tidemark's own, or that of a temporary table.
        """
        try:
            return _landable(self.of(table))
        except ConfigError as error:
            hint = (
                f"exclude it from the load: '!{table.stream}.*' in a select block of "
                f'tap-s3-parquet; or give it a different name: LANDING_NAMES=\'{{"{table}": "…"}}\''
            )
            raise ConfigError(error.message, table=table, hint=hint) from error


#: Every table has its own name.
OWN_NAMES = LandingNames()


def flat_names(told: Json, above: str = "") -> Iterable[tuple[str, Any]]:
    """A setting by ``schema.table``, out of the nested objects that Meltano makes of dots."""
    for key, value in told.items():
        if isinstance(value, Mapping):
            yield from flat_names(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _landable(name: str) -> str:
    folded = fold(name)
    for beginning, why in _NOT_LANDED.items():
        if folded.startswith(beginning):
            raise ConfigError(f"the landing schema cannot have a copy named {folded!r}: {why}")
    return folded


def _names_error(what: str, table: str) -> ConfigError:
    return ConfigError(
        f"LANDING_NAMES {what}", table=table, hint="docs/loading.md shows the allowed contents"
    )


def fold(identifier: str) -> str:
    """Folds an identifier to what Redshift stores, which is lower case, quoted or not.

    Raises:
        ConfigError: The identifier is longer than Redshift's 127 bytes, empty, or has a NUL.
    """
    folded = identifier.lower()
    if not 0 < len(folded.encode()) <= MAX_IDENTIFIER_BYTES or "\0" in folded:
        raise ConfigError(
            f"{identifier!r} is not a valid Redshift identifier (1 to 127 bytes)",
            hint="exclude the column or table with a select rule",
        )
    return folded


def fold_columns(
    columns: Iterable[str], *, table: TableName, reserved: Iterable[str] = METADATA_COLUMNS
) -> dict[str, str]:
    """Maps each source column to its folded name, in order.

    Args:
        columns: Column names as the source has them.
        table: For the error message.
        reserved: Folded names that are taken.

    Raises:
        ConfigError: Two columns collide once folded, or one has a reserved name.
    """
    taken = dict.fromkeys(reserved)
    names: dict[str, str] = {}
    owner: dict[str, str] = {}
    for column in columns:
        try:
            folded = fold(column)
        except ConfigError as error:
            hint = f"exclude it with a select rule: '!{table.stream}.{column}'"
            raise ConfigError(error.message, table=table, column=column, hint=hint) from error
        if folded in taken or folded in owner:
            other = (
                f"column {owner[folded]!r}" if folded in owner else "a column that Tidemark adds"
            )
            raise ConfigError(
                f"its name in lower case is the same as that of {other}",
                table=table,
                column=column,
                hint=f"exclude one with a select rule: '!{table.stream}.{column}'",
            )
        names[column] = folded
        owner[folded] = column
    return names


def quote_redshift(identifier: str) -> str:
    """Quotes an identifier for Redshift (``"`` doubled)."""
    return '"' + identifier.replace('"', '""') + '"'


def redshift_relation(schema: str, name: str) -> str:
    """A table or view, quoted for Redshift."""
    return f"{quote_redshift(schema)}.{quote_redshift(name)}"


def landing_relation(name: str) -> str:
    """A table or view of the landing schema, quoted for Redshift."""
    return redshift_relation(LANDING_SCHEMA, name)


def quote_mysql(identifier: str) -> str:
    """Quotes an identifier for MySQL (backtick doubled)."""
    return "`" + identifier.replace("`", "``") + "`"


def mysql_relation(schema: str, name: str) -> str:
    """A table or view, quoted for MySQL."""
    return f"{quote_mysql(schema)}.{quote_mysql(name)}"
