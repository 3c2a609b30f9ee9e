"""TABLE_MAP_EVENT: a table's columns as its rows are logged, and how long a value of each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from mysql_binlog.errors import DamagedLog, UnknownEvent
from mysql_binlog.events.source import Reader

_MOST_COLUMNS = 4096


class Type(IntEnum):
    """Types of columns in the log."""

    DECIMAL = 0
    TINY = 1
    SHORT = 2
    LONG = 3
    FLOAT = 4
    DOUBLE = 5
    NULL = 6
    TIMESTAMP = 7
    LONGLONG = 8
    INT24 = 9
    DATE = 10
    TIME = 11
    DATETIME = 12
    YEAR = 13
    NEWDATE = 14
    VARCHAR = 15
    BIT = 16
    TIMESTAMP2 = 17
    DATETIME2 = 18
    TIME2 = 19
    BLOB_COMPRESSED = 140
    VARCHAR_COMPRESSED = 141
    VECTOR = 242
    TYPED_ARRAY = 244
    JSON = 245
    NEWDECIMAL = 246
    ENUM = 247
    SET = 248
    TINY_BLOB = 249
    MEDIUM_BLOB = 250
    LONG_BLOB = 251
    BLOB = 252
    VAR_STRING = 253
    STRING = 254
    GEOMETRY = 255


#: Bytes of a column's metadata in the event, by type; other types have none.
_META_SIZES = {
    **dict.fromkeys((Type.FLOAT, Type.DOUBLE, Type.JSON, Type.GEOMETRY, Type.VECTOR), 1),
    **dict.fromkeys((Type.TINY_BLOB, Type.MEDIUM_BLOB, Type.LONG_BLOB, Type.BLOB), 1),
    **dict.fromkeys((Type.TIMESTAMP2, Type.DATETIME2, Type.TIME2, Type.BLOB_COMPRESSED), 1),
    **dict.fromkeys((Type.VARCHAR, Type.VAR_STRING, Type.VARCHAR_COMPRESSED, Type.BIT), 2),
    **dict.fromkeys((Type.NEWDECIMAL, Type.STRING, Type.ENUM, Type.SET), 2),
}
_FIXED = {
    **dict.fromkeys((Type.TINY, Type.YEAR), 1),
    Type.SHORT: 2,
    **dict.fromkeys((Type.INT24, Type.DATE, Type.NEWDATE, Type.TIME), 3),
    **dict.fromkeys((Type.LONG, Type.FLOAT, Type.TIMESTAMP), 4),
    **dict.fromkeys((Type.LONGLONG, Type.DOUBLE, Type.DATETIME), 8),
    Type.NULL: 0,
}
#: Bytes before the fraction of a second.
_WHOLE_SECONDS = {Type.TIMESTAMP2: 4, Type.DATETIME2: 5, Type.TIME2: 3}
_BLOBS = frozenset(
    {
        *(Type.TINY_BLOB, Type.MEDIUM_BLOB, Type.LONG_BLOB, Type.BLOB, Type.BLOB_COMPRESSED),
        *(Type.JSON, Type.GEOMETRY, Type.VECTOR),
    }
)
_VARCHARS = frozenset({Type.VARCHAR, Type.VAR_STRING, Type.VARCHAR_COMPRESSED})
_DIGITS_TO_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)


@dataclass(frozen=True)
class Width:
    """How long a value is.

    Attributes:
        fixed: Its bytes; of a value with a length before it, 0.
        prefix: Bytes of the length before it; 0 if it has none.
    """

    fixed: int
    prefix: int = 0


@dataclass(frozen=True)
class LoggedColumn:
    """A column as the log has it.

    Attributes:
        type: What it really is: ENUM and SET are logged as strings.
        first: First byte of its metadata: precision, longest length …
        second: Second byte.
    """

    type: Type
    first: int = 0
    second: int = 0

    @property
    def width(self) -> Width:
        """How long its values are.

        Raises:
            DamagedLog: No column is like that.
        """
        if self.type in _FIXED:
            return Width(_FIXED[self.type])
        if self.type in _WHOLE_SECONDS:
            return Width(_WHOLE_SECONDS[self.type] + (self.first + 1) // 2)
        if self.type in _VARCHARS:
            return Width(0, 2 if self.longest > 255 else 1)
        if self.type is Type.STRING:
            return Width(0, 2 if self.longest > 255 else 1)
        if self.type in (Type.ENUM, Type.SET):
            return Width(self.second)
        if self.type is Type.BIT:
            return Width(self.second + (self.first > 0))
        if self.type is Type.NEWDECIMAL:
            return Width(decimal_bytes(self.first, self.second))
        if self.type is Type.TYPED_ARRAY:
            return Width(0, 4)
        if self.type in _BLOBS and 1 <= self.first <= 4:
            return Width(0, self.first)
        raise DamagedLog(f"a column of type {self.type.name} has invalid metadata ({self.first})")

    @property
    def longest(self) -> int:
        """Bytes of the longest text."""
        if self.type is Type.STRING:
            return self.second | (((self.first & 0x30) ^ 0x30) << 4)
        return self.first | self.second << 8


def decimal_bytes(precision: int, scale: int) -> int:
    """How many bytes a DECIMAL has.

    Raises:
        DamagedLog: There is no such DECIMAL.
    """
    if not 0 <= scale <= precision <= 65:
        raise DamagedLog(f"DECIMAL({precision},{scale})")
    whole, fraction = divmod(precision - scale, 9), divmod(scale, 9)
    return 4 * (whole[0] + fraction[0]) + _DIGITS_TO_BYTES[whole[1]] + _DIGITS_TO_BYTES[fraction[1]]


@dataclass(frozen=True)
class TableMap:
    """A table as the rows after this event are laid out.

    Attributes:
        schema: Its database.
        name: Its name.
        columns: In their order.
        names: Their names, if the server logs them (binlog_row_metadata=FULL); else empty.
    """

    schema: str
    name: str
    columns: tuple[LoggedColumn, ...]
    names: tuple[str, ...] = ()


def table_names(body: bytes) -> tuple[str, str, int]:
    """Schema and table of a TABLE_MAP_EVENT, and where it continues after them.

    Args:
        body: What follows the table's number and the flags.

    Raises:
        DamagedLog: A name is longer than the event.
    """
    end = 1 + body[0]
    start = end + 2
    after = start + body[end + 1]
    if after + 1 > len(body):
        raise DamagedLog("a table's name is longer than its event")
    return _text(body[1:end]), _text(body[start:after]), after + 1


def table_map(body: bytes) -> TableMap:
    """Reads TABLE_MAP_EVENT.

    Args:
        body: As for `table_names`.

    Raises:
        DamagedLog: It is not one.
        UnknownEvent: A column has a type that is not known here.
    """
    schema, name, at = table_names(body)
    reader = Reader.of(body[at:])
    count = reader.packed()
    if not 0 < count <= _MOST_COLUMNS:
        raise DamagedLog(f"a table of {count} columns")
    codes = reader.take(count)
    meta = Reader.of(reader.take(_small(reader.packed())))
    columns = tuple(_column(code, meta, f"{schema}.{name}") for code in codes)
    reader.skip((count + 7) // 8)
    return TableMap(schema, name, columns, _names(reader, count))


def _small(size: int) -> int:
    if size > 4 * _MOST_COLUMNS:
        raise DamagedLog(f"a table's columns have {size} bytes of metadata")
    return size


def _column(code: int, meta: Reader, table: str) -> LoggedColumn:
    try:
        kind = Type(code)
        if kind is Type.DECIMAL:
            raise ValueError
    except ValueError:
        raise UnknownEvent(f"{table} has a column of an unknown type ({code})") from None
    if kind is Type.TYPED_ARRAY:  # of a hidden column: its elements' type, and the metadata of that
        element = meta.number(1)
        meta.skip(_META_SIZES.get(element, 0))  # type: ignore[call-overload]
        return LoggedColumn(kind)
    size = _META_SIZES.get(kind, 0)
    first = meta.number(1) if size else 0
    second = meta.number(1) if size == 2 else 0
    if kind is Type.STRING and first & 0x30 == 0x30 and first in (Type.ENUM, Type.SET):
        kind = Type(first)
    elif kind is Type.NEWDECIMAL:
        decimal_bytes(first, second)
    found = LoggedColumn(kind, first, second)
    _ = found.width
    return found


def _names(reader: Reader, count: int) -> tuple[str, ...]:
    """The columns' names, from the optional metadata at the event's end."""
    while reader.left:
        kind, size = reader.number(1), reader.packed()
        fact = reader.take(size)
        if kind == 4:
            names, within = [], Reader.of(fact)
            while within.left:
                names.append(_text(within.take(within.packed())))
            if len(names) != count:
                raise DamagedLog(f"{len(names)} names of {count} columns")
            return tuple(names)
    return ()


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def columns_as_text(columns: Sequence[LoggedColumn]) -> str:
    """The types of columns, for people."""
    return ", ".join(column.type.name for column in columns)
