"""Errors for which PyMySQL has no exception."""

from __future__ import annotations

from mysql_arrow.kernel import Code


class ProtocolError(Exception):
    """What the server sent is not MySQL's protocol; the connection is closed."""


class WrongTypeError(TypeError):
    """A column has a type that its type in the schema cannot hold; the connection is closed."""


class UnfitError(Exception):
    """A value does not fit the type of its column; the connection is closed.

    Attributes:
        column: Its name.
        row: The row's number in the result, from 0.
    """

    def __init__(self, what: str, column: str, row: int) -> None:
        super().__init__(f"column {column}, row {row}: {what}")
        self.column, self.row = column, row


class ChangedValueError(Exception):
    """A value would have to be changed, and the query is strict; the connection is closed.

    Attributes:
        column: Its name.
        reason: Why.
        row: The row's number in the result, from 0.
        shown: What the value is, or the beginning of it.
    """

    def __init__(self, column: str, reason: str, row: int, shown: str) -> None:
        super().__init__(f"column {column}, row {row}: {reason}")
        self.column, self.reason, self.row, self.shown = column, reason, row, shown


_UNFIT = {
    Code.DOES_NOT_FIT: "a value that does not fit the type",
    Code.BAD_DECIMAL: "an invalid decimal",
    Code.TOO_LARGE: "more text than an array can hold",
}
_WORDS = {
    Code.WRONG_SEQUENCE: "a packet is out of sequence",
    Code.EMPTY_PACKET: "a packet is empty",
    Code.UNKNOWN_PACKET: "a packet is neither a row nor an end marker",
    Code.TOO_SHORT: "a value extends past the end of its packet",
    Code.TOO_LONG: "a packet has data after its last value",
    Code.BAD_LENGTH: "an invalid length for a value of its type",
    Code.BAD_TIME: "a date or time field is out of range",
    Code.TOO_LARGE: "a row is larger than an array can hold",
}


def error_of(code: int, column: str | None, row: int) -> Exception:
    """The exception for a negative `Code`.

    Args:
        code: What the kernel said.
        column: In which column; None if in none.
        row: In which row of the result.
    """
    if code == Code.NO_MEMORY:
        return MemoryError("out of memory for the rows of a result")
    if column is not None and code in _UNFIT:
        return UnfitError(_UNFIT[Code(code)], column, row)
    where = f"row {row}" if column is None else f"column {column}, row {row}"
    return ProtocolError(f"{where}: {_WORDS[Code(code)]}")
