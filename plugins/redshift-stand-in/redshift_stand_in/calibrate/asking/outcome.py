"""What a server answered to a statement. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Row = tuple[str | None, ...]

#: Longer values are recorded by their beginning and their length.
_LONGEST = 300


@dataclass(frozen=True)
class Column:
    """A column of an answer, as it is described on the wire.

    Attributes:
        name: Its label.
        oid: Of its type.
        size: Of its type; negative: it varies.
        modifier: Such as a VARCHAR's length; -1: none.
    """

    name: str
    oid: int
    size: int
    modifier: int


@dataclass(frozen=True)
class Outcome:
    """What became of a statement.

    Attributes:
        code: SQLSTATE of its error; None: it was accepted.
        text: Of the error.
        columns: Of the answer; None: it has none.
        rows: Values as text; None: there are none, or they are another each time.
    """

    code: str | None = None
    text: str | None = None
    columns: tuple[Column, ...] | None = None
    rows: tuple[Row, ...] | None = None

    @property
    def is_error(self) -> bool:
        """Whether the server refused the statement."""
        return self.code is not None


def shown(value: object) -> str | None:
    """A value as the driver read it, as text; a long one by its beginning."""
    if value is None:
        return None
    text = value.hex() if isinstance(value, bytes | bytearray) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def in_order(rows: Iterable[Row], *, ordered: bool) -> tuple[Row, ...]:
    """Rows in the order that the statement gives them, or else in one of our own."""
    return tuple(rows if ordered else sorted(rows, key=_order))


def _order(row: Row) -> list[tuple[bool, str]]:
    return [(value is None, value or "") for value in row]
