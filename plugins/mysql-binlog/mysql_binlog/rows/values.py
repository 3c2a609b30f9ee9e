"""Values of keys, from the bytes of a row to what PyMySQL would give for them."""

from __future__ import annotations

import datetime
import socket
import struct
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from mysql_binlog.errors import DamagedLog, WrongKey
from mysql_binlog.model import Column
from mysql_binlog.rows.table_map import LoggedColumn, Type

Decode = Callable[[bytes], Any]
#: Makes text of a column's bytes.
Text = Callable[[bytes], str]
_EPOCH = datetime.datetime(1970, 1, 1)
_INTEGERS = {
    "tinyint": (Type.TINY, "b"),
    "smallint": (Type.SHORT, "h"),
    "mediumint": (Type.INT24, ""),
    "int": (Type.LONG, "i"),
    "bigint": (Type.LONGLONG, "q"),
}
_TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext")
_BINARY = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
_BLOBS = frozenset({Type.BLOB, Type.BLOB_COMPRESSED})
_STRINGS = frozenset({Type.STRING, Type.VARCHAR, Type.VAR_STRING, Type.VARCHAR_COMPRESSED})
_COMPRESSED = frozenset({Type.BLOB_COMPRESSED, Type.VARCHAR_COMPRESSED})
#: How information_schema's types are logged.
LOGGED_AS: dict[str, frozenset[Type]] = {
    **{name: frozenset({kind}) for name, (kind, _) in _INTEGERS.items()},
    "decimal": frozenset({Type.NEWDECIMAL}),
    "float": frozenset({Type.FLOAT}),
    "double": frozenset({Type.DOUBLE}),
    "bit": frozenset({Type.BIT}),
    "year": frozenset({Type.YEAR}),
    "date": frozenset({Type.DATE, Type.NEWDATE}),
    "time": frozenset({Type.TIME, Type.TIME2}),
    "datetime": frozenset({Type.DATETIME, Type.DATETIME2}),
    "timestamp": frozenset({Type.TIMESTAMP, Type.TIMESTAMP2}),
    "enum": frozenset({Type.ENUM}),
    "set": frozenset({Type.SET}),
    "json": frozenset({Type.JSON}) | _BLOBS,
    "vector": frozenset({Type.VECTOR, Type.VARCHAR, Type.BLOB}),
    **dict.fromkeys((*_TEXTS, *_BINARY, "inet4", "inet6", "uuid"), _STRINGS | _BLOBS),
    **dict.fromkeys(
        (
            *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"),
            *("multipolygon", "geometrycollection", "geomcollection"),
        ),
        frozenset({Type.GEOMETRY}) | _BLOBS,
    ),
}


def struct_code(column: Column) -> str:
    """The code of `struct` that reads a value all by itself; "" if it takes more than that."""
    code = _INTEGERS.get(column.data_type, (None, ""))[1]
    return code.upper() if "unsigned" in column.column_type else code


def decoder(column: Column, logged: LoggedColumn, text: Text) -> Decode:
    """The function that makes a value of a column's bytes, without a length before them.

    Args:
        column: The column.
        logged: How it is logged.
        text: Reads the column's character set.

    Raises:
        WrongKey: There is no exact value.
    """
    kind = column.data_type
    if logged.type in _COMPRESSED:  # no index can have it
        raise WrongKey(f"column {column.name} is COMPRESSED, which is not possible for a key")
    if kind in _INTEGERS:
        signed = "unsigned" not in column.column_type
        return lambda data: int.from_bytes(data, "little", signed=signed)
    if kind == "decimal":
        return _decimal(logged.first, logged.second)
    if kind in _TEXTS:
        return text
    if kind in ("enum", "set"):
        words = _words(column.column_type)
        return _enum(words) if kind == "enum" else _set(words)
    if kind == "binary":  # logged without the zeros at its end
        return lambda data: data.ljust(column.length, b"\0")
    if kind in _BINARY or kind == "bit":
        return bytes
    if kind in _OTHERS:
        return _OTHERS[kind]
    if kind in _TEMPORAL:
        return _TEMPORAL[kind](logged)
    raise WrongKey(f"column {column.name} is of type {kind}, which cannot be a key here")


def _decimal(precision: int, scale: int) -> Decode:
    whole, fraction = divmod(precision - scale, 9), divmod(scale, 9)
    sizes = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
    groups = [(sizes[whole[1]], whole[1])] if whole[1] else []
    groups += [(4, 9)] * (whole[0] + fraction[0])
    if fraction[1]:
        groups.append((sizes[fraction[1]], fraction[1]))

    def decode(data: bytes) -> Decimal:
        negative = not data[0] & 0x80
        number = int.from_bytes(data, "big") ^ 1 << 8 * len(data) - 1
        if negative:
            number ^= (1 << 8 * len(data)) - 1
        clean, at, value = number.to_bytes(len(data), "big"), 0, 0
        for size, digits in groups:
            value = value * 10**digits + int.from_bytes(clean[at : at + size], "big")
            at += size
        return Decimal(f"{-value if negative else value}E-{scale}")

    return decode


def _enum(words: Sequence[str]) -> Decode:
    def decode(data: bytes) -> str:
        number = int.from_bytes(data, "little")
        if number > len(words):
            raise DamagedLog(f"an ENUM of {len(words)} values has number {number}")
        return words[number - 1] if number else ""

    return decode


def _set(words: Sequence[str]) -> Decode:
    def decode(data: bytes) -> str:
        bits = int.from_bytes(data, "little")
        if bits >> len(words):
            raise DamagedLog(f"a SET of {len(words)} values has the bits {bits:#x}")
        return ",".join(word for at, word in enumerate(words) if bits >> at & 1)

    return decode


def _words(column_type: str) -> list[str]:
    """The values of ``enum('a','b''c')``."""
    inside = column_type[column_type.index("(") + 1 : column_type.rindex(")")]
    return [word.replace("''", "'") for word in inside[1:-1].split("','")] if inside else []


def _date(data: bytes) -> datetime.date | str:
    packed = int.from_bytes(data, "little")
    return _day(packed >> 9, packed >> 5 & 15, packed & 31)


def _day(year: int, month: int, day: int) -> datetime.date | str:
    try:
        return datetime.date(year, month, day)
    except ValueError:  # as PyMySQL returns a date that no calendar has
        return f"{year:04}-{month:02}-{day:02}"


def _moment(
    year: int, month: int, day: int, hour: int, minute: int, second: int, micro: int, digits: int
) -> datetime.datetime | str:
    try:
        return datetime.datetime(year, month, day, hour, minute, second, micro)
    except ValueError:
        clock = f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
        return clock + (f".{micro:06}"[: 1 + digits] if digits else "")


def _fraction(data: bytes, digits: int) -> int:
    """Microseconds, from one to three bytes."""
    return int.from_bytes(data, "big") * 10 ** (6 - 2 * len(data)) if digits else 0


def _datetime(logged: LoggedColumn) -> Decode:
    digits = logged.first

    def decode(data: bytes) -> datetime.datetime | str:
        packed = int.from_bytes(data[:5], "big") - 0x8000000000
        if packed < 0:
            raise DamagedLog("a DATETIME before the year 0")
        day, clock = packed >> 17, packed & 0x1FFFF
        year, month = divmod(day >> 5, 13)
        parts = (year, month, day & 31, clock >> 12, clock >> 6 & 63, clock & 63)
        return _moment(*parts, _fraction(data[5:], digits), digits)

    def old(data: bytes) -> datetime.datetime | str:
        day, clock = divmod(int.from_bytes(data, "little"), 1_000_000)
        parts = (day // 10_000, day // 100 % 100, day % 100)
        return _moment(*parts, clock // 10_000, clock // 100 % 100, clock % 100, 0, 0)

    return decode if logged.type is Type.DATETIME2 else old


def _timestamp(logged: LoggedColumn) -> Decode:
    digits, new = logged.first, logged.type is Type.TIMESTAMP2

    def decode(data: bytes) -> datetime.datetime | str:
        seconds = int.from_bytes(data[:4], "big" if new else "little")
        micro = _fraction(data[4:], digits) if new else 0
        if not seconds and not micro:
            return _moment(0, 0, 0, 0, 0, 0, 0, digits)
        return _EPOCH + datetime.timedelta(seconds=seconds, microseconds=micro)

    return decode


def _time(logged: LoggedColumn) -> Decode:
    digits = logged.first

    def decode(data: bytes) -> datetime.timedelta:
        size = len(data)
        packed = int.from_bytes(data, "big") - (0x800000 << 8 * (size - 3))
        negative, packed = packed < 0, abs(packed)
        clock, rest = packed >> 8 * (size - 3), packed & ((1 << 8 * (size - 3)) - 1)
        micro = rest * 10 ** (6 - 2 * (size - 3)) if digits else 0
        return _span(negative, clock >> 12 & 0x3FF, clock >> 6 & 63, clock & 63, micro)

    def old(data: bytes) -> datetime.timedelta:
        packed = int.from_bytes(data, "little", signed=True)
        clock = abs(packed)
        return _span(packed < 0, clock // 10_000, clock // 100 % 100, clock % 100, 0)

    return decode if logged.type is Type.TIME2 else old


def _span(negative: bool, hours: int, minutes: int, seconds: int, micro: int) -> datetime.timedelta:
    span = datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=micro)
    return -span if negative else span


_OTHERS: dict[str, Decode] = {
    "float": lambda data: struct.unpack("<f", data)[0],
    "double": lambda data: struct.unpack("<d", data)[0],
    "year": lambda data: data[0] + 1900 if data[0] else 0,
    "date": _date,
    "inet4": lambda data: socket.inet_ntop(socket.AF_INET, data.ljust(4, b"\0")),
    "inet6": lambda data: socket.inet_ntop(socket.AF_INET6, data.ljust(16, b"\0")),
    "uuid": lambda data: str(uuid.UUID(bytes=data.ljust(16, b"\0"))),
}
_TEMPORAL = {"datetime": _datetime, "timestamp": _timestamp, "time": _time}
