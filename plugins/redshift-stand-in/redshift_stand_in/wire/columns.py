"""The columns of a result: RowDescription, as PostgreSQL sends it and as Redshift does."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redshift_stand_in.wire.version import Version

NUMERIC_OID = 1700
_MAX_PRECISION = 38
#: The scale of a computed NUMERIC of which none is known, for clients that read it in binary: its
#: value is worth nothing without one.
COMPUTED_SCALE = 16

_FIELD = struct.Struct("!ihihih")
_INT16 = struct.Struct("!h")
#: Bits of the flags behind a column's names.
_NULLABLE, _AUTOINCREMENT, _SEARCHABLE = 1, 1 << 4, 1 << 12


def numeric_modifier(precision: int, scale: int) -> int:
    """The modifier of a NUMERIC."""
    return ((precision << 16) | scale) + 4


@dataclass(frozen=True)
class Origin:
    """The column of a table that a result's column shows.

    Attributes:
        schema: the table's schema.
        table: the table.
        column: its name there.
        nullable: whether it may be NULL.
        identity: whether it is an IDENTITY column.
    """

    schema: str = ""
    table: str = ""
    column: str = ""
    nullable: bool = True
    identity: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a result.

    Attributes:
        name: what it is called, encoded.
        table: number of its table; 0 if it is computed.
        number: its number there, from 1.
        kind: number of its type.
        size: bytes of a value; negative if they vary.
        modifier: length, or precision and scale, by type; -1: none.
        binary: whether its values follow in binary.
    """

    name: bytes
    table: int
    number: int
    kind: int
    size: int
    modifier: int
    binary: bool

    @property
    def is_computed_numeric(self) -> bool:
        """Whether it is a NUMERIC for which PostgreSQL has no precision and scale."""
        return self.kind == NUMERIC_OID and self.modifier < 0

    @property
    def scale(self) -> int:
        """The digits behind a NUMERIC's point, as a client is told."""
        return COMPUTED_SCALE if self.modifier < 0 else (self.modifier - 4) & 0xFFFF

    @property
    def precision(self) -> int:
        """The digits of a NUMERIC, as a client is told."""
        return _MAX_PRECISION if self.modifier < 0 else (self.modifier - 4) >> 16

    def described(self, version: Version) -> bytes:
        """Its part of a RowDescription, without metadata."""
        modifier = self.modifier
        if version == Version.BINARY and self.is_computed_numeric:
            modifier = numeric_modifier(_MAX_PRECISION, COMPUTED_SCALE)
        fields = (self.table, self.number, self.kind, self.size, modifier, int(self.binary))
        return self.name + b"\0" + _FIELD.pack(*fields)


def columns_of(body: bytes) -> list[Column]:
    """The columns in a RowDescription's body."""
    found, at = [], 2
    for _ in range(_INT16.unpack_from(body)[0]):
        end = body.index(b"\0", at)
        table, number, kind, size, modifier, binary = _FIELD.unpack_from(body, end + 1)
        found.append(Column(body[at:end], table, number, kind, size, modifier, bool(binary)))
        at = end + 1 + _FIELD.size
    return found


def column_names(body: bytes) -> list[str]:
    """The names in a RowDescription."""
    return [column.name.decode("utf-8", "replace") for column in columns_of(body)]


def row_description(
    columns: Sequence[Column],
    origins: Mapping[tuple[int, int], Origin],
    database: str,
    version: Version,
) -> bytes:
    """The body of a RowDescription; beyond the base version, with each column's metadata.

    redshift_connector reads it so (``handle_ROW_DESCRIPTION``); no page of AWS describes it.

    Args:
        columns: those of the result.
        origins: what is known of columns of tables, by their table's number and their own.
        database: the session's.
        version: the session's.
    """
    parts = []
    for column in columns:
        parts.append(column.described(version))
        if version > Version.BASE:
            origin = origins.get((column.table, column.number), Origin())
            parts.append(_metadata(origin, database))
    return _INT16.pack(len(columns)) + b"".join(parts)


def _metadata(origin: Origin, database: str) -> bytes:
    names = (origin.schema, origin.table, origin.column, database if origin.table else "")
    text = b"".join(name.encode() + b"\0" for name in names)
    return text + _INT16.pack(_flags(origin))


def _flags(origin: Origin) -> int:
    nullable = _NULLABLE if origin.nullable else 0
    return nullable | (_AUTOINCREMENT if origin.identity else 0) | _SEARCHABLE
