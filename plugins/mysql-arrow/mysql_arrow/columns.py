"""Maps the server's column metadata to an Arrow type and a reader in the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import pyarrow as pa

from mysql_arrow.errors import WrongTypeError
from mysql_arrow.kernel import ColumnSpec, How


class Type(IntEnum):
    """Types of columns in the protocol: ``enum_field_types``."""

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
    VARCHAR = 15
    BIT = 16
    VECTOR = 242
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


_UNSIGNED_FLAG = 32
_BINARY_CHARSET = 63
#: Digits of the largest decimal128.
_MAX_DIGITS = 38
_INTEGER_BYTES = {Type.TINY: 1, Type.SHORT: 2, Type.YEAR: 2, Type.INT24: 4, Type.LONG: 4,
                  Type.LONGLONG: 8}  # fmt: skip
_DECIMALS = frozenset({Type.DECIMAL, Type.NEWDECIMAL})
_MOMENTS = frozenset({Type.DATE, Type.DATETIME, Type.TIMESTAMP})
_BYTES = frozenset({Type.VARCHAR, Type.VECTOR, Type.JSON, Type.ENUM, Type.SET, Type.TINY_BLOB,
                    Type.MEDIUM_BLOB, Type.LONG_BLOB, Type.BLOB, Type.VAR_STRING, Type.STRING,
                    Type.GEOMETRY, Type.NULL})  # fmt: skip
_SIGNED = {1: pa.int8(), 2: pa.int16(), 4: pa.int32(), 8: pa.int64()}
_UNSIGNED = {1: pa.uint8(), 2: pa.uint16(), 4: pa.uint32(), 8: pa.uint64()}
_TIMESTAMP = pa.timestamp("us")


@dataclass(frozen=True)
class Definition:
    """What the server says of a column of a result.

    Attributes:
        name: Its name in the result.
        type: A number of `Type`.
        charset: Its collation's number; 63: bytes.
        length: Characters of its longest value as text.
        flags: ``UNSIGNED_FLAG`` and others.
        decimals: Digits after the point, or of a fraction of a second.
    """

    name: str
    type: int
    charset: int
    length: int
    flags: int
    decimals: int

    @property
    def is_unsigned(self) -> bool:
        return bool(self.flags & _UNSIGNED_FLAG)


def arrow_type(column: Definition) -> pa.DataType:
    """The Arrow type that holds every value of a column.

    Raises:
        WrongTypeError: The type is unknown.
    """
    kind = column.type
    if kind in _INTEGER_BYTES:
        types = _UNSIGNED if column.is_unsigned and kind != Type.YEAR else _SIGNED
        return types[_INTEGER_BYTES[Type(kind)]]
    if kind == Type.BIT:
        return pa.uint64()
    if kind in (Type.FLOAT, Type.DOUBLE):
        return pa.float32() if kind == Type.FLOAT else pa.float64()
    if kind in _DECIMALS:
        point_and_sign = (column.decimals > 0) + (not column.is_unsigned)
        digits = max(column.length - point_and_sign, column.decimals, 1)
        return pa.decimal128(digits, column.decimals) if digits <= _MAX_DIGITS else pa.string()
    if kind in _MOMENTS:
        return pa.date32() if kind == Type.DATE else _TIMESTAMP
    if kind == Type.TIME:
        return pa.string()
    if kind in _BYTES:
        is_text = kind in (Type.JSON, Type.NULL) or column.charset != _BINARY_CHARSET
        return pa.string() if is_text and kind != Type.GEOMETRY else pa.binary()
    raise WrongTypeError(f"column {column.name}: MySQL's type {kind} is unknown")


def spec(column: Definition, target: pa.DataType) -> ColumnSpec:
    """How the kernel reads a column into an Arrow type.

    Raises:
        WrongTypeError: The type cannot hold the column's values.
    """
    found = _integer(column, target) or _other(column, target)
    if found is None:
        raise WrongTypeError(
            f"column {column.name}: MySQL's type {column.type} cannot be converted to {target}"
        )
    return found


def _integer(column: Definition, target: pa.DataType) -> ColumnSpec | None:
    wire = _INTEGER_BYTES.get(column.type, 0)  # type: ignore[call-overload]
    if not wire and column.type != Type.BIT:
        return None
    unsigned = column.is_unsigned
    how = How.INTEGER if wire else How.BIT
    if pa.types.is_decimal128(target) and target.scale == 0:
        return ColumnSpec(how, wire, unsigned, 16, precision=target.precision)
    if not pa.types.is_integer(target):
        return None
    to_unsigned, width = pa.types.is_unsigned_integer(target), target.bit_width // 8
    if wire == width and unsigned == to_unsigned:
        how = How.COPY
    return ColumnSpec(how, wire, unsigned, width, to_unsigned)


def _other(column: Definition, target: pa.DataType) -> ColumnSpec | None:
    kind, width = column.type, 4
    if kind == Type.DOUBLE and pa.types.is_float64(target):
        return ColumnSpec(How.COPY, 8, width=8)
    if kind == Type.FLOAT and pa.types.is_float32(target):
        return ColumnSpec(How.COPY, 4, width=4)
    if kind == Type.FLOAT and pa.types.is_float64(target):
        return ColumnSpec(How.WIDEN, 4, width=8)
    if kind in _DECIMALS and pa.types.is_decimal128(target) and target.scale >= 0:
        return ColumnSpec(How.DECIMAL, width=16, precision=target.precision, scale=target.scale)
    if kind in _MOMENTS and pa.types.is_date32(target):
        return ColumnSpec(How.DATE, width=4)
    if kind in _MOMENTS and target == _TIMESTAMP:
        return ColumnSpec(How.TIMESTAMP, width=8, decimals=column.decimals)
    if kind == Type.TIME and pa.types.is_string(target):
        return ColumnSpec(How.TIME, width=width, decimals=column.decimals)
    if (kind in _BYTES or kind in _DECIMALS) and pa.types.is_string(target):
        return ColumnSpec(How.TEXT, width=width)
    if kind in _BYTES and pa.types.is_binary(target):
        return ColumnSpec(How.BYTES, width=width)
    return None
