"""Values in binary, where Redshift sends another form than PostgreSQL.

Source: the readers of redshift_connector (``utils/type_utils.py``), which the drivers' users rely
on; no page of AWS describes the form. DATE, TIME, TIMETZ and arrays are alike in both.
"""

from __future__ import annotations

import struct

from redshift_stand_in.errors import StatementError

_HEAD = struct.Struct("!hhHh")
_INT32 = struct.Struct("!i")
_NEGATIVE, _SPECIAL = 0x4000, 0xC000
#: Most digits of a NUMERIC that is sent in 8 bytes; others take 16.
_SHORT = 18
_LONGEST = 38
#: Number of the type of an access right, an element of relacl.
_ACLITEM = 1033


def numeric(value: bytes, precision: int, scale: int) -> bytes:
    """A NUMERIC as Redshift sends it: a scaled integer of 8 or 16 bytes.

    Args:
        value: PostgreSQL's: digits of base 10,000.
        precision: digits that the column may have.
        scale: those behind the point; what exceeds it is rounded.

    Raises:
        StatementError: it has more digits than Redshift's NUMERIC.
    """
    count, weight, sign, _ = _HEAD.unpack_from(value)
    number = 0
    for digit in struct.unpack_from(f"!{count}h", value, _HEAD.size):
        number = number * 10_000 + digit
    scaled = _shifted(number, scale - 4 * (count - 1 - weight)) if count else 0
    if sign & _SPECIAL == _SPECIAL or scaled >= 10**_LONGEST:
        raise StatementError("Numeric data overflow (result precision)", "22003")
    scaled = -scaled if sign == _NEGATIVE else scaled
    return scaled.to_bytes(8 if precision <= _SHORT else 16, "big", signed=True)


def _shifted(number: int, places: int) -> int:
    """Moves the decimal point of a number that is not negative; halves are rounded up."""
    unit: int = 10 ** abs(places)
    return number * unit if places >= 0 else (number + unit // 2) // unit


def access_rights(value: bytes) -> bytes:
    """An array of access rights, which PostgreSQL writes as text only, as an array in binary."""
    items = _elements(value.decode()[1:-1])
    if not items:
        return struct.pack("!iii", 0, 0, _ACLITEM)
    cells = [_INT32.pack(len(item)) + item for item in (text.encode() for text in items)]
    dimensions = struct.pack("!iiiii", 1, 0, _ACLITEM, len(cells), 1)
    return dimensions + b"".join(cells)


def _elements(text: str) -> list[str]:
    """The elements of a flat array; one with a comma or a quote in it is quoted."""
    found, current, quoted = [], "", False
    letters = iter(text)
    for letter in letters:
        if letter == "\\":
            current += next(letters)
        elif letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            found.append(current)
            current = ""
        else:
            current += letter
    return [*found, current] if text else []
