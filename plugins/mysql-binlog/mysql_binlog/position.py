"""A place in a server's binary log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mysql_binlog.gtid import GtidList, GtidSet

Flavor = Literal["mysql", "mariadb"]
_FILE = re.compile(r"(?P<stem>.+)\.(?P<number>\d{6,})")


def file_number(file: str) -> int:
    """The number at the end of a log file's name."""
    match = _FILE.fullmatch(file)
    return int(match["number"]) if match else 0


@dataclass(frozen=True)
class Position:
    """A place between two transactions of a server's log.

    Attributes:
        file: Name of the log file.
        offset: Byte in the file, 64 bits.
        gtid: Which transactions come before it: MySQL's set, MariaDB's list; "" without GTIDs.
        server: MySQL's server_uuid; MariaDB's ``server_id@hostname:port datadir``, for it has none.
        flavor: Which of the two.
        created: When the file was begun, by its own first event, in seconds since 1970; 0 if not
            known. A server whose numbering was reset has another file of the same name.
        asked: In place of `created`: when the server named this place or a later one, by its clock,
            so that the file was begun before; 0 if not known.
    """

    file: str
    offset: int
    gtid: str
    server: str
    flavor: Flavor
    created: int = 0
    asked: int = field(default=0, compare=False)

    @property
    def order(self) -> tuple[int, int]:
        """What grows along one server's log: the file's number and the offset."""
        return file_number(self.file), self.offset

    def is_of(self, server: str) -> bool:
        """Whether a server is the position's own.

        MariaDB's may have another host, port or folder now: of the servers that take over from one
        another, no two have one id, so it is the same one, or was restored from a backup of it.
        """
        if self.flavor == "mysql":
            return self.server == server
        return self.server.partition("@")[0] == server.partition("@")[0]

    def at(self, file: str, offset: int, created: int, gtid: str) -> Position:
        """Another place in the same server's log."""
        asked = 0 if created else self.asked
        return replace(self, file=file, offset=offset, created=created, gtid=gtid, asked=asked)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        written: dict[str, Any] = {
            "file": self.file,
            "offset": self.offset,
            "gtid": self.gtid,
            "server": self.server,
            "flavor": self.flavor,
            "created": self.created,
        }
        return written | ({"asked": self.asked} if self.asked else {})

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Position:
        """Reads what `to_json` has written.

        Raises:
            ValueError: It is something else.
        """
        try:
            file, offset, gtid = written["file"], written["offset"], written["gtid"]
            server, flavor = written["server"], written["flavor"]
            created, asked = written.get("created", 0), written.get("asked", 0)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no position of a binary log: {error!r}") from error
        words = (file, gtid, server)
        numbers = (offset, created, asked)
        if not all(isinstance(word, str) for word in words) or not _FILE.fullmatch(file):
            raise ValueError(f"no position of a binary log: {written!r}")
        if not all(type(number) is int and 0 <= number < 2**63 for number in numbers):
            raise ValueError(f"no position of a binary log: {written!r}")
        if flavor == "mysql":
            GtidSet(gtid)
        elif flavor == "mariadb":
            GtidList(gtid)
        else:
            raise ValueError(f"no position of a binary log: {written!r}")
        return cls(file, offset, gtid, server, flavor, created, asked)

    def __str__(self) -> str:
        gtid = f", GTID {self.gtid}" if self.gtid else ""
        return f"{self.file}:{self.offset}{gtid} of {self.server}"
