"""The events that begin, end and name transactions."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from functools import lru_cache

from mysql_binlog.errors import DamagedLog
from mysql_binlog.events.source import Reader, inflated

#: Maximum size of a statement that is looked at; none that can be parsed is longer.
MOST_SQL = 4 * 2**20
#: Sizes of a query's status variables: at least of those before the character set.
_STATUS_SIZES = {0: 4, 1: 8, 3: 4, 4: 6, 7: 2, 8: 2, 9: 8, 10: 4, 13: 3, 16: 1, 17: 8, 18: 2}
_CHARSET, _WITH_NUL, _LENGTHS = 4, 2, (5, 6)
#: Client collations whose statements are not decoded as UTF-8.
_CODECS = {8: "cp1252", 31: "cp1252", 47: "cp1252", 48: "cp1252", 5: "cp1252", 15: "cp1252"}


@dataclass(frozen=True)
class Query:
    """A statement as it is logged.

    Attributes:
        schema: The current database.
        text: The statement.
    """

    schema: str
    text: str


@dataclass(slots=True)
class Began:
    """A transaction's GTID.

    Attributes:
        server: MySQL: the UUID; MariaDB: the domain and the server's id, ``0-1``; "": anonymous.
        number: Its number.
        tag: MySQL's tag, or "".
        alone: Whether it is a single statement, which no COMMIT follows (MariaDB says so).
        prepares: Whether an XA transaction is prepared (MariaDB says so).
    """

    server: str
    number: int
    tag: str = ""
    alone: bool = False
    prepares: bool = False


def is_begin(event: bytes | None) -> bool:
    """Whether a whole QUERY_EVENT is a BEGIN, as most of them are."""
    if event is None or event[-5:] != b"BEGIN" or len(event) < 37:
        return False
    return 33 + int.from_bytes(event[30:32], "little") + event[27] == len(event) - 5


def query(event: Reader, *, compressed: bool) -> Query:
    """Reads QUERY_EVENT, or MariaDB's compressed one."""
    event.skip(8)
    schema_size = event.number(1)
    event.skip(2)
    codec = _codec(event.take(event.number(2)))
    schema = event.take(schema_size).decode(errors="replace")
    event.skip(1)
    text = (inflated(event) if compressed else event).rest(MOST_SQL)
    return Query(schema, text.decode(codec, errors="replace"))


def _codec(status: bytes) -> str:
    """The encoding in which the client wrote the statement."""
    at = 0
    while at < len(status):
        kind = status[at]
        if kind == _CHARSET and at + 3 <= len(status):
            return _CODECS.get(int.from_bytes(status[at + 1 : at + 3], "little"), "utf-8")
        if kind in _STATUS_SIZES:
            at += 1 + _STATUS_SIZES[kind]
        elif kind in (_WITH_NUL, *_LENGTHS) and at + 1 < len(status):
            at += 2 + status[at + 1] + (kind == _WITH_NUL)
        else:
            break
    return "utf-8"


def rotate(event: bytes) -> tuple[str, int]:
    """Reads ROTATE_EVENT: the next file, and where in it the events continue."""
    if len(event) < 9:
        raise DamagedLog("a rotate event without a file name")
    return event[8:].decode(errors="replace"), int.from_bytes(event[:8], "little")


def gtid(event: Reader) -> Began:
    """Reads MySQL's GTID_EVENT."""
    event.skip(1)
    return Began(uuid_text(event.take(16)), event.number(8))


@lru_cache
def uuid_text(data: bytes) -> str:
    """A server's UUID as MySQL writes it."""
    return str(uuid.UUID(bytes=data))


def mariadb_gtid(event: Reader, server_id: int) -> Began:
    """Reads MariaDB's GTID_EVENT; the server's id is in the header."""
    number, domain, flags = event.number(8), event.number(4), event.number(1)
    return Began(f"{domain}-{server_id}", number, alone=bool(flags & 0x01),
                 prepares=bool(flags & 0x40))  # fmt: skip


def _varlen(event: Reader) -> int:
    """A number whose first byte's lowest bits say how many bytes follow."""
    first = event.number(1)
    more = (~first & (first + 1)).bit_length() - 1
    if more >= 8:
        return event.number(8)
    return (first >> (more + 1)) | (event.number(more) << (7 - more) if more else 0)


def tagged_gtid(event: Reader) -> Began:
    """Reads MySQL's GTID_TAGGED_LOG_EVENT: the first four of its numbered fields."""
    for _ in range(3):  # the format's version, the size, the last field that a reader must know
        _varlen(event)
    server, number, tag = b"", 0, ""
    for wanted in range(4):
        if _varlen(event) != wanted:
            raise DamagedLog("a GTID's fields are out of order")
        if wanted == 0:
            _varlen(event)  # flags
        elif wanted == 1:
            server = bytes(_byte(_varlen(event)) for _ in range(16))
        elif wanted == 2:
            coded = _varlen(event)
            number = (coded >> 1) ^ -(coded & 1)
        else:
            tag = event.take(_short(_varlen(event))).decode("ascii", errors="replace")
    return Began(uuid_text(server), number, tag)


def _byte(value: int) -> int:
    if value > 255:
        raise DamagedLog("a GTID's server is not a UUID")
    return value


def _short(value: int) -> int:
    if value > 32:
        raise DamagedLog("a GTID's tag is too long")
    return value


#: An XA transaction: its format, global and branch part, in hexadecimal.
Xid = tuple[int, str, str]
_XA = re.compile(
    r"XA\s+(?P<verb>START|BEGIN|END|PREPARE|COMMIT|ROLLBACK)\s+"
    r"X'(?P<gtrid>[0-9a-f]*)'\s*,\s*X'(?P<bqual>[0-9a-f]*)'\s*,\s*(?P<format>\d+)"
    r"(?P<one>\s+ONE\s+PHASE)?\s*",
    re.IGNORECASE,
)


def xa_prepare(event: Reader) -> tuple[Xid, bool]:
    """Reads XA_PREPARE_LOG_EVENT: which one, and whether it is committed at once."""
    one_phase, kind = bool(event.number(1)), event.number(4)
    sizes = event.number(4), event.number(4)
    return (kind, event.take(sizes[0]).hex(), event.take(sizes[1]).hex()), one_phase


def xa_statement(text: str) -> tuple[str, Xid] | None:
    """The verb of an XA statement and its transaction; None if it is another statement."""
    if match := _XA.fullmatch(text):
        xid = int(match["format"]), match["gtrid"].lower(), match["bqual"].lower()
        return match["verb"].upper(), xid
    return None


def xid_text(xid: Xid) -> str:
    """An XA transaction as XA COMMIT takes it."""
    return f"X'{xid[1]}',X'{xid[2]}',{xid[0]}"
