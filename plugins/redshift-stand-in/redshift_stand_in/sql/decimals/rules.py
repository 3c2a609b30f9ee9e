"""Redshift's rules for the precision and scale of decimals.

Sources: "Computations with numeric values", "SUM function", "AVG function" in the Amazon Redshift
Database Developer Guide.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

MAX_PRECISION = 38
MAX_SCALE = 37
#: As many digits as 64 bits hold.
NARROW = 19
_SHORT, _SPECIAL = 0x8000, 0xC000


class Digits(NamedTuple):
    """The size of a decimal: all its digits, and those after the point."""

    precision: int
    scale: int

    @property
    def whole(self) -> int:
        """Digits before the point."""
        return self.precision - self.scale


def of_modifier(modifier: int) -> Digits | None:
    """What PostgreSQL's type modifier says; None if it says nothing."""
    return Digits((modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF) if modifier >= 4 else None


def of_constant(stored: bytes) -> Digits | None:
    """The digits that a literal was written with; None for NaN, infinity, and for too many.

    Args:
        stored: the value as PostgreSQL keeps it, on a little-endian machine.
    """
    (header,) = struct.unpack_from("<H", stored, 4)
    if header & _SPECIAL == _SPECIAL:
        return None
    if header & _SHORT:
        scale, weight, at = header >> 7 & 0x3F, (header & 0x3F) - (header & 0x40), 6
    else:
        scale, weight, at = header & 0x3FFF, struct.unpack_from("<h", stored, 6)[0], 8
    first = struct.unpack_from("<h", stored, at)[0] if len(stored) > at else 0
    whole = len(str(first)) + 4 * weight if weight >= 0 else 1
    return Digits(whole + scale, scale) if whole + scale <= MAX_PRECISION else None


def added(a: Digits, b: Digits) -> Digits:
    """Of a sum or a difference."""
    scale = max(a.scale, b.scale)
    return _limited(max(a.whole, b.whole) + 1 + scale, scale)


def multiplied(a: Digits, b: Digits) -> Digits:
    """Of a product."""
    return _limited(a.precision + b.precision + 1, a.scale + b.scale)


def divided(a: Digits, b: Digits) -> Digits:
    """Of a quotient; what is too much is taken from the scale, down to four digits."""
    scale = max(4, a.scale + b.whole + 1)
    precision = a.whole + b.scale + scale
    if precision > MAX_PRECISION:
        scale = max(MAX_PRECISION + scale - precision, 4)
    return _limited(precision, scale)


def merged(a: Digits, b: Digits) -> Digits:
    """Of a set operation, COALESCE or CASE."""
    scale = max(a.scale, b.scale)
    narrow = a.precision <= NARROW and b.precision <= NARROW
    limit = NARROW if narrow else MAX_PRECISION
    return Digits(min(max(a.whole, b.whole) + scale, limit), scale)


def summed(a: Digits) -> Digits:
    """Of SUM."""
    return Digits(MAX_PRECISION, a.scale)


def averaged(a: Digits) -> Digits:
    """Of AVG."""
    return Digits(NARROW if a.precision <= NARROW else MAX_PRECISION, a.scale)


def _limited(precision: int, scale: int) -> Digits:
    return Digits(min(precision, MAX_PRECISION), min(scale, MAX_SCALE))
