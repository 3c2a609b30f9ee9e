"""What can go wrong besides what PyMySQL has an exception for."""

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
    Code.DOES_NOT_FIT: "a value that the type cannot hold",
    Code.BAD_DECIMAL: "a decimal that is none",
    Code.TOO_LARGE: "more text than an array can hold",
}
_WORDS = {
    Code.WRONG_SEQUENCE: "a packet's number is not the next one",
    Code.EMPTY_PACKET: "a packet is empty",
    Code.UNKNOWN_PACKET: "a packet is neither a row nor an end",
    Code.TOO_SHORT: "a value goes on behind the end of its packet",
    Code.TOO_LONG: "a packet goes on behind its last value",
    Code.BAD_LENGTH: "a length that no such value has",
    Code.BAD_TIME: "a field of a date or a time is out of its range",
    Code.TOO_LARGE: "a row is larger than an array can hold",
}


def error_of(code: int, column: str | None, row: int) -> Exception:
    """The exception for a negative `Code`.

    Args:
        code: What the kernel said.
        column: In which column; None: in none.
        row: In which row of the result.
    """
    if code == Code.NO_MEMORY:
        return MemoryError("no memory for the rows of a result")
    if column is not None and code in _UNFIT:
        return UnfitError(_UNFIT[Code(code)], column, row)
    where = f"row {row}" if column is None else f"column {column}, row {row}"
    return ProtocolError(f"{where}: {_WORDS[Code(code)]}")
