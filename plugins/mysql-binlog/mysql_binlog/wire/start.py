"""The start position of a read, and whether the log can be read from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mysql_binlog.errors import AnotherServer, GapError, LogPurged, UnreachablePosition
from mysql_binlog.gtid import GtidList, GtidSet
from mysql_binlog.position import Position
from mysql_binlog.server import Server

#: COM_BINLOG_DUMP has 32 bits for the offset.
_MOST_OFFSET = 2**32 - 1
#: Where the events of a file begin.
FIRST_OFFSET = 4


@dataclass(frozen=True)
class Start:
    """Where the server is asked to begin.

    Attributes:
        file: The file, or "" where GTIDs decide.
        offset: The byte.
        gtid: What is known already, where GTIDs decide.
        skip_to: Events before this offset of the first file are not looked at.
        before: MariaDB: the GTIDs before the beginning, where the log itself was asked for them.
    """

    file: str
    offset: int
    gtid: str | None = None
    skip_to: int = 0
    before: str = ""


@dataclass(frozen=True)
class Facts:
    """What a server says of its log.

    Attributes:
        identity: As `Position.server`.
        has_gtids: Whether its transactions have GTIDs.
        files: Its log files and how long they are.
        executed: GTIDs that are in its log, or were.
        purged: Those that were.
        at_since: MariaDB: the GTIDs before the first position, as its log has them; "" if they were
            not asked for, or it does not say (there are events of more than max_allowed_packet).
    """

    identity: str
    has_gtids: bool
    files: Mapping[str, int]
    executed: str
    purged: str
    at_since: str = ""


def ask(server: Server, since: Position) -> Facts:
    """Asks a server what is known of its log.

    Raises:
        RefusedRead: It has no log, or a right is missing.
        pymysql.err.MySQLError: It refused, or the connection is lost.
    """
    files = server.files()
    facts = Facts(server.identity, server.has_gtids, files, "", "")
    if server.flavor == "mariadb":
        at_since: str = ""
        # The server reads the file up to there: only for a position that no read has reached.
        if not since.created and since.is_of(server.identity) and since.file in files:
            found = server.value("BINLOG_GTID_POS(%s, %s)", (since.file, since.offset))
            at_since = str(found or "")
        executed = str(server.value("@@GLOBAL.gtid_binlog_pos"))
        return replace(facts, executed=executed, at_since=at_since)
    executed, purged = server.row("SELECT @@GLOBAL.gtid_executed, @@GLOBAL.gtid_purged")
    return replace(facts, executed=str(executed), purged=str(purged))


def choose(facts: Facts, since: Position, until: Position) -> Start:
    """Decides how the server is asked. Pure.

    On the server that the position is of, by file and offset: so the file itself is checked, and a
    numbering that was reset is noticed. On another one, or when the file is gone, by GTIDs.

    Raises:
        GapError: Some of the log between the positions is not available.
    """
    if until.server != facts.identity:
        raise AnotherServer(
            f"the end position is from {until.server}, but {facts.identity} answered"
        )
    if facts.has_gtids:
        _check_gtids(facts, since)
    if not since.is_of(facts.identity):
        return _elsewhere(facts, since)
    if since.file not in facts.files:
        return _gone(facts, since)
    if since.offset > facts.files[since.file]:
        raise UnreachablePosition(
            f"{since.file} ends at {facts.files[since.file]}: the log was reset, or restored from "
            "a backup"
        )
    if since.order > until.order:
        raise UnreachablePosition(
            "the end position is before the start position: the log was reset"
        )
    return _by_file(facts, since)


def _check_gtids(facts: Facts, since: Position) -> None:
    if since.flavor == "mysql":
        known, executed = GtidSet(since.gtid), GtidSet(facts.executed)
        if unknown := known.missing_in(executed):
            raise UnreachablePosition(
                f"{facts.identity} has never had the transactions {unknown}: it is behind, was "
                "reset, or was restored from a backup"
            )
    elif not GtidList(facts.executed).reaches(GtidList(since.gtid)):
        raise UnreachablePosition(
            f"{facts.identity} is at GTID {facts.executed or 'none'}, which is not far enough: it "
            "is "
            "behind, was reset, or was restored from a backup"
        )


def _elsewhere(facts: Facts, since: Position) -> Start:
    if not facts.has_gtids or not since.gtid:
        raise AnotherServer(
            f"{facts.identity} answered, and there are no GTIDs to find the position with"
        )
    return _by_gtid(facts, since)


def _gone(facts: Facts, since: Position) -> Start:
    numbers = [replace(since, file=file, offset=0).order for file in facts.files]
    if not numbers or replace(since, offset=0).order > max(numbers):
        raise UnreachablePosition(f"{since.file} does not exist: the numbering was reset")
    if not facts.has_gtids or not since.gtid:
        raise LogPurged(f"{since.file} is no longer there")
    return _by_gtid(facts, since)


def _by_gtid(facts: Facts, since: Position) -> Start:
    known = GtidSet(since.gtid) if since.flavor == "mysql" else GtidSet()
    if gone := GtidSet(facts.purged).missing_in(known):
        raise LogPurged(f"the server has removed the transactions {gone} from its log")
    return Start("", FIRST_OFFSET, since.gtid)


def _by_file(facts: Facts, since: Position) -> Start:
    if since.gtid and not since.created:  # no read has reached it
        if since.flavor == "mysql" and facts.has_gtids:
            # What is in the log, but was not committed, is known by GTIDs alone.
            return _by_gtid(facts, since)
        if since.flavor == "mariadb" and not facts.at_since:
            return _by_gtid(facts, since)
        if since.flavor == "mariadb" and not GtidList(facts.at_since).reaches(GtidList(since.gtid)):
            raise UnreachablePosition(
                f"at that position the log has GTID {facts.at_since}: the numbering was reset"
            )
    if since.offset <= _MOST_OFFSET:
        return Start(since.file, since.offset, before=facts.at_since)
    if facts.has_gtids and since.gtid:
        return _by_gtid(facts, since)
    return Start(since.file, FIRST_OFFSET, skip_to=since.offset)


#: Words of the errors 1236, 1789 and 13114, by what they mean.
_REFUSALS: tuple[tuple[str, type[GapError]], ...] = (
    ("Could not find first log file", LogPurged),
    ("ould not open log file", LogPurged),
    ("purged", LogPurged),
    ("not in the master's binlog", UnreachablePosition),
    ("position > file size", UnreachablePosition),
    ("position < 4", UnreachablePosition),
    ("bogus data in log event", UnreachablePosition),
    # The server mistook other bytes for an event's length: its own events are never too long.
    ("exceeded max_allowed_packet", UnreachablePosition),
    ("truncated in the middle of event", UnreachablePosition),
    ("crc", UnreachablePosition),
    ("more GTIDs than the source has", UnreachablePosition),
    ("more GTIDs than the master has", UnreachablePosition),
    ("AUTO_POSITION", AnotherServer),
)


def refusal(code: int, text: str) -> GapError | None:
    """What the server's refusal to send its log means; None if it is something else."""
    if code not in (1236, 1789, 13114):
        return None
    for words, kind in _REFUSALS:
        if words in text:
            return kind(f"the server says: {text}")
    return None
