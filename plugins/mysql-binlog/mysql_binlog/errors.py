"""Why a log cannot be read any further: errors are named after their remedy."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mysql_binlog.position import Position


#: What Python raises where bytes are not what they should be.
NONSENSE = (IndexError, KeyError, OverflowError, ValueError, struct.error)


class BinlogError(Exception):
    """The log was not read to the end that was asked for.

    Attributes:
        since: Where the reading began, or should have; None before there was a position.
        until: Where it should have ended.
    """

    def __init__(
        self, what: str, since: Position | None = None, until: Position | None = None
    ) -> None:
        self.what, self.since, self.until = what, since, until
        super().__init__(what)

    def between(self, since: Position, until: Position) -> BinlogError:
        """Says between which positions it happened, unless that is known."""
        if self.since is None:
            self.since, self.until = since, until
        return self

    def __str__(self) -> str:
        if self.since is None:
            return self.what
        return f"{self.what} (reading from {self.since} to {self.until})"


class GapError(BinlogError):
    """Changes are missing between the two positions, or may be: only a comparison finds them."""


class LogPurged(GapError):  # noqa: N818 - the field's own word
    """The server has removed the part of the log that comes next."""


class AnotherServer(GapError):  # noqa: N818
    """Another server answers, and without GTIDs the place in its log is unknown."""


class UnreachablePosition(GapError):  # noqa: N818
    """The position is not in this log: the numbering was reset, or a backup was restored."""


class UnknownEvent(GapError):  # noqa: N818
    """The log has an event of an unknown type, which may hold changes."""


class UnreadableChange(GapError):  # noqa: N818
    """A change is in the log in a form without the key.

    A statement in place of rows, a row image without the key's columns, a lost-events incident, or
    an XA transaction that was prepared before the first position.
    """


class DamagedLog(BinlogError):  # noqa: N818
    """What came is not what the server wrote: a checksum is wrong, or a length."""


class StalledStream(BinlogError):  # noqa: N818
    """The server has said nothing for too long."""


class RefusedRead(BinlogError):  # noqa: N818
    """The server does not send its log: a right is missing, or it writes none."""


class WrongKey(BinlogError):  # noqa: N818
    """A column that is asked for does not exist, or its type has no exact value in the log."""
