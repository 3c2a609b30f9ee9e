"""Rows on their way to the client: values look as Redshift sends them."""

from __future__ import annotations

import struct
from collections.abc import Callable

from redshift_stand_in.errors import NotInRedshift
from redshift_stand_in.wire.protocol import data_row, split_data_row

#: VARBYTE's number in Redshift, and here: the catalogue fixes it.
VARBYTE_OID = 6551
INTERVAL_OID = 1186
#: What pg_get_late_binding_view_cols() gives.
RECORD_OID = 2249
#: Types that a result may have: Redshift's, and those of its catalogue with their arrays.
_TYPES = frozenset([
    16, 20, 21, 23, 25, 700, 701, 705, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 6551,
    18, 19, 22, 24, 26, 27, 28, 29, 30, 194, 1033, 2205, 2278,
    1002, 1003, 1005, 1007, 1009, 1015, 1028, 1034, 1790,
])  # fmt: skip

_FIELD = struct.Struct("!ihihih")
_INTERVAL = struct.Struct("!qii")
_REDSHIFT_INTERVAL = struct.Struct("!qi")
_MICROSECONDS_OF_A_DAY = 86_400_000_000


def _varbyte(value: bytes) -> bytes:
    r"""Hexadecimal digits, without PostgreSQL's ``\x``."""
    return value[2:] if value.startswith(b"\\x") else value


def _interval(value: bytes) -> bytes:
    """Binary: microseconds and months; a day is 24 hours in PostgreSQL 8.0. Text stays."""
    if len(value) != _INTERVAL.size or value[0] not in (0x00, 0xFF):
        return value
    microseconds, days, months = _INTERVAL.unpack(value)
    return _REDSHIFT_INTERVAL.pack(microseconds + days * _MICROSECONDS_OF_A_DAY, months)


_CONVERTERS: dict[int, Callable[[bytes], bytes]] = {
    VARBYTE_OID: _varbyte,
    INTERVAL_OID: _interval,
}
#: How the values of some columns of a result change, by position.
Shape = dict[int, Callable[[bytes], bytes]]


def shape_of(body: bytes) -> tuple[Shape | None, bytes]:
    """Finds the columns of a RowDescription whose values change.

    Returns:
        How they change, None when there are none; the RowDescription as the client gets it.

    Raises:
        NotInRedshift: a column is of a type that Redshift does not have: a row, JSON, an array.
    """
    count = struct.unpack_from("!h", body)[0]
    at, found = 2, {}
    for position in range(count):
        start, at = at, body.index(b"\0", at) + 1
        kind = _FIELD.unpack_from(body, at)[2]
        if kind in _CONVERTERS:
            found[position] = _CONVERTERS[kind]
        elif kind not in _TYPES:
            name = body[start : at - 1].decode("utf-8", "replace")
            if kind != RECORD_OID or not name.startswith("pg_get_"):
                raise NotInRedshift(f'The type of the result column "{name}" is')
        at += _FIELD.size
    return (found or None), body


def column_names(body: bytes) -> list[str]:
    """The names in a RowDescription."""
    names, at = [], 2
    for _ in range(struct.unpack_from("!h", body)[0]):
        end = body.index(b"\0", at)
        names.append(body[at:end].decode("utf-8", "replace"))
        at = end + 1 + _FIELD.size
    return names


def reshape(body: bytes, shape: Shape) -> bytes:
    """A DataRow with its values as Redshift sends them."""
    values = [
        shape[position](value) if position in shape and value is not None else value
        for position, value in enumerate(split_data_row(body))
    ]
    return data_row(values)[5:]
