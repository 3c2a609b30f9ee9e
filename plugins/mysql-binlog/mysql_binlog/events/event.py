"""An event, whole in memory or as a stream."""

from __future__ import annotations

from dataclasses import dataclass

from mysql_binlog.events.codes import HEADER
from mysql_binlog.events.source import Reader


@dataclass(slots=True)
class Event:
    """An event of the log.

    Attributes:
        code: Its type; see `Code`.
        timestamp: When it was written, in seconds since 1970.
        server_id: Of the server where it began.
        end: The low 32 bits of the offset where it ends; 0 if it is not in the file.
        flags: Of its header.
        data: All of it without its checksum, header included; None if it is too large for that.
        body: What follows the header, if it is too large.
    """

    code: int
    timestamp: int
    server_id: int
    end: int
    flags: int
    data: bytes | None
    body: Reader | None = None

    def reader(self) -> Reader:
        """Reads what follows the header."""
        if self.body is not None and self.data is None:
            return self.body
        return Reader.of((self.data or b"")[HEADER.size :])
