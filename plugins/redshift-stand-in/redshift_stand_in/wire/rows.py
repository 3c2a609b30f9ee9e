"""Rows on their way to the client: values look as Redshift sends them."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Sequence
from functools import partial

from redshift_stand_in.errors import NotInRedshift
from redshift_stand_in.wire import binary
from redshift_stand_in.wire.columns import NUMERIC_OID, Column
from redshift_stand_in.wire.protocol import data_row, split_data_row
from redshift_stand_in.wire.version import Version

#: VARBYTE's number in Redshift, and here: the catalogue fixes it.
VARBYTE_OID = 6551
#: SUPER's: likewise.
SUPER_OID = 4000
INTERVAL_OID = 1186
_TIME_OID, _TIMETZ_OID = 1083, 1266
#: Access rights, and arrays of them: PostgreSQL writes them as text only.
_ACLITEM_OID, _ACLITEMS_OID = 1033, 1034
TEXT_ONLY = frozenset({_ACLITEM_OID, _ACLITEMS_OID})
#: What pg_get_late_binding_view_cols() gives.
RECORD_OID = 2249
#: Types that a result may have: Redshift's, and those of its catalogue with their arrays.
_TYPES = frozenset([
    16, 20, 21, 23, 25, 700, 701, 705, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1700,
    4000, 6551, 18, 19, 22, 24, 26, 27, 28, 29, 30, 194, 1033, 2205, 2278,
    1002, 1003, 1005, 1007, 1009, 1015, 1028, 1034, 1790, 17, 1021, 2277,
])  # fmt: skip

_INTERVAL = struct.Struct("!qii")
_REDSHIFT_INTERVAL = struct.Struct("!qi")
_MICROSECONDS_OF_A_DAY = 86_400_000_000
_TIMETZ = re.compile(rb"(\d\d):(\d\d)(:\d\d(?:\.\d+)?)([+-])(\d\d)(?::(\d\d))?")
_BINARY_TIMETZ = struct.Struct("!qi")
_END_OF_DAY = _MICROSECONDS_OF_A_DAY.to_bytes(8, "big")

_Convert = Callable[[bytes], bytes]
#: How the values of some columns of a result change, by position.
Shape = dict[int, _Convert]


def _varbyte(value: bytes) -> bytes:
    r"""Hexadecimal digits, without PostgreSQL's ``\x``."""
    return value[2:] if value.startswith(b"\\x") else value


def _varbyte_bytes(value: bytes) -> bytes:
    """Its bytes as they are: the driver reads them as text by the newest version.

    Its tests (``test_redshift_specific_recv_support``) find the same value by every version, and
    the digits that it decodes by the older ones.
    """
    return bytes.fromhex(_varbyte(value).decode())


def _super(value: bytes) -> bytes:
    """JSON; a value that is stored without the mark before it is a string (02_super.sql)."""
    if value.startswith(b"\x01"):
        return value[1:]
    return json.dumps(value.decode(), ensure_ascii=False).encode()


def _interval(value: bytes) -> bytes:
    """Binary: microseconds and months; a day is 24 hours in PostgreSQL 8.0. Text stays."""
    if len(value) != _INTERVAL.size or value[0] not in (0x00, 0xFF):
        return value
    microseconds, days, months = _INTERVAL.unpack(value)
    return _REDSHIFT_INTERVAL.pack(microseconds + days * _MICROSECONDS_OF_A_DAY, months)


def _time(value: bytes) -> bytes:
    """Text or microseconds; 24:00 is the next day's 00:00 (the driver's tests)."""
    if value.startswith(b"24:"):
        return b"00:" + value[3:]
    return bytes(8) if value == _END_OF_DAY else value


def _timetz(value: bytes) -> bytes:
    """As text, or in binary with the seconds west of UTC behind it; Redshift keeps it in UTC.

    Source: "Datetime types", and the driver's tests, where 24:00 is 00:00.
    """
    if match := _TIMETZ.fullmatch(value):
        hours, minutes, rest, sign, *zone = match.groups()
        east = sum(int(part or 0) * unit for part, unit in zip(zone, (60, 1), strict=True))
        at = int(hours) * 60 + int(minutes) + (east if sign == b"-" else -east)
        return b"%02d:%02d%b+00" % (at // 60 % 24, at % 60, rest)
    if len(value) != _BINARY_TIMETZ.size:
        return value
    microseconds, west = _BINARY_TIMETZ.unpack(value)
    return _BINARY_TIMETZ.pack((microseconds + west * 1_000_000) % _MICROSECONDS_OF_A_DAY, 0)


def check(columns: Sequence[Column]) -> None:
    """Refuses a result with a column of a type that Redshift does not have.

    Raises:
        NotInRedshift: it is a row, JSON, an array.
    """
    for column in columns:
        if column.kind in _TYPES:
            continue
        name = column.name.decode("utf-8", "replace")
        if column.kind != RECORD_OID or not name.startswith("pg_get_"):
            raise NotInRedshift(f'The type of the result column "{name}" is')


def shape_of(columns: Sequence[Column], formats: Sequence[bool], version: Version) -> Shape | None:
    """Finds the columns of a result whose values change.

    Args:
        columns: the result's.
        formats: of each column, whether the client reads it in binary; none: all as text.
        version: the session's.

    Returns:
        How they change; None when there are none.
    """
    given = formats or [False] * len(columns)
    found = {
        position: convert
        for position, (column, in_binary) in enumerate(zip(columns, given, strict=True))
        if (convert := _converter(column, in_binary, version)) is not None
    }
    return found or None


def _converter(column: Column, in_binary: bool, version: Version) -> _Convert | None:
    if column.kind == VARBYTE_OID:
        return _varbyte_bytes if version == Version.BINARY else _varbyte
    if column.kind == SUPER_OID:
        return _super
    if column.kind == INTERVAL_OID:
        return _interval
    if column.kind == _TIME_OID:
        return _time
    if column.kind == _TIMETZ_OID:
        return _timetz
    if column.kind == NUMERIC_OID and in_binary and version == Version.BINARY:
        return partial(binary.numeric, precision=column.precision, scale=column.scale)
    if column.kind == _ACLITEMS_OID and in_binary:
        return binary.access_rights
    return None


def reshape(body: bytes, shape: Shape) -> bytes:
    """A DataRow with its values as Redshift sends them."""
    values = [
        shape[position](value) if position in shape and value is not None else value
        for position, value in enumerate(split_data_row(body))
    ]
    return data_row(values)[5:]
