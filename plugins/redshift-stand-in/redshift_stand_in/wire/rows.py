"""Rows on their way to the client: VARBYTE values look as Redshift sends them."""

from __future__ import annotations

import struct

from redshift_stand_in.errors import NotInRedshift
from redshift_stand_in.wire.protocol import data_row, split_data_row

#: The type's number in Redshift.
VARBYTE_OID = 6551
#: Its number in PostgreSQL, which the catalogue fixes.
LOCAL_VARBYTE_OID = VARBYTE_OID

_FIELD = struct.Struct("!ihihih")

#: What pg_get_late_binding_view_cols() gives.
RECORD_OID = 2249

#: Types that a result may have: Redshift's, then those of its catalogue ("char", name, oid, …) and its arrays.
_TYPES = frozenset(
    [16, 20, 21, 23, 25, 700, 701, 705, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1700]
    + [18, 19, 22, 24, 26, 27, 28, 29, 30, 194, 1033, 2205, 2278, LOCAL_VARBYTE_OID]
    + [1002, 1003, 1005, 1007, 1009, 1015, 1028, 1034, 1790]
)

#: Positions of the VARBYTE columns of a result.
Shape = frozenset[int]


def shape_of(body: bytes) -> tuple[Shape | None, bytes]:
    """Finds the VARBYTE columns in a RowDescription.

    Returns:
        Their positions, None when there are none; the RowDescription as the client gets it.

    Raises:
        NotInRedshift: a column is of a type that Redshift does not have: a row, JSON, an array.
    """
    count = struct.unpack_from("!h", body)[0]
    at, found = 2, set()
    for position in range(count):
        start, at = at, body.index(b"\0", at) + 1
        kind = _FIELD.unpack_from(body, at)[2]
        if kind == LOCAL_VARBYTE_OID:
            found.add(position)
        elif kind not in _TYPES:
            name = body[start : at - 1].decode("utf-8", "replace")
            if kind != RECORD_OID or not name.startswith("pg_get_"):
                raise NotInRedshift(f'The type of the result column "{name}" is')
        at += _FIELD.size
    return (frozenset(found) or None), body


def reshape(body: bytes, shape: Shape) -> bytes:
    r"""A DataRow with its VARBYTE values as hexadecimal digits, without PostgreSQL's ``\x``."""
    values = [
        value[2:] if position in shape and value is not None and value.startswith(b"\\x") else value
        for position, value in enumerate(split_data_row(body))
    ]
    return data_row(values)[5:]
