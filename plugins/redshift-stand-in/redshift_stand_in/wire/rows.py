"""Rows on their way to the client: VARBYTE values look as Redshift sends them."""

from __future__ import annotations

import struct

from redshift_stand_in.wire.protocol import data_row, split_data_row

#: The type's number in Redshift.
VARBYTE_OID = 6551
#: Its number in PostgreSQL, which the catalogue fixes.
LOCAL_VARBYTE_OID = VARBYTE_OID

_FIELD = struct.Struct("!ihihih")

#: Positions of the VARBYTE columns of a result.
Shape = frozenset[int]


def shape_of(body: bytes) -> tuple[Shape | None, bytes]:
    """Finds the VARBYTE columns in a RowDescription.

    Returns:
        Their positions, None when there are none; the RowDescription as the client gets it.
    """
    count = struct.unpack_from("!h", body)[0]
    at, found = 2, set()
    for position in range(count):
        at = body.index(b"\0", at) + 1
        if _FIELD.unpack_from(body, at)[2] == LOCAL_VARBYTE_OID:
            found.add(position)
        at += _FIELD.size
    return (frozenset(found) or None), body


def reshape(body: bytes, shape: Shape) -> bytes:
    r"""A DataRow with its VARBYTE values as hexadecimal digits, without PostgreSQL's ``\x``."""
    values = [
        value[2:] if position in shape and value is not None and value.startswith(b"\\x") else value
        for position, value in enumerate(split_data_row(body))
    ]
    return data_row(values)[5:]
