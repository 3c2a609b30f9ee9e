"""The current position in the log, derived from the events read so far."""

from __future__ import annotations

from mysql_binlog.errors import UnreachablePosition
from mysql_binlog.events.bodies import Began, uuid_text
from mysql_binlog.events.codes import ARTIFICIAL
from mysql_binlog.events.event import Event
from mysql_binlog.gtid import GtidList, GtidSet
from mysql_binlog.plain.kernel import Gtids, Kernel
from mysql_binlog.plain.state import Begun
from mysql_binlog.position import Position, file_number
from mysql_binlog.wire.start import Start

#: The offsets of events have 32 bits.
_ROUND = 2**32
_MOST_OFFSET = 2**64 - 1


class Place:
    """Follows the offsets and the GTIDs.

    Args:
        since: Where the reading begins.
        until: Where it ends.
        start: How the server was asked.
    """

    def __init__(self, since: Position, until: Position, start: Start) -> None:
        self._since, self._until, self._start = since, until, start
        self._is_same = since.is_of(until.server)
        self._mysql = since.flavor == "mysql"
        self._end = until.order
        self._set = GtidSet(since.gtid if self._mysql else "")
        self._list = GtidList("" if self._mysql else start.before or since.gtid)
        self._taken = GtidSet()
        self._began: Began | None = None
        self._file, self._created = since.file, since.created
        self._number, self._offset, self._skip_to = file_number(since.file), start.offset, 0
        if start.skip_to:
            self._skip_to = start.skip_to
        #: File, its creation, its number and the offset of the last whole transaction's end.
        self._boundary = since.file, since.created, self._number, since.offset
        self._moved = False
        #: Whether an event was seen that comes after the end.
        self.is_behind_end = False

    @property
    def here(self) -> Position:
        """Where the last event ended."""
        return self._until.at(self._file, self._offset, self._created, "")

    @property
    def boundary(self) -> Position:
        """Where the last whole transaction ended, or the reading began."""
        if not self._moved:
            return self._since
        file, created, _, offset = self._boundary
        return self._until.at(file, offset, created, self._gtid())

    @property
    def skips(self) -> bool:
        """Whether the next event is before the beginning."""
        return self._offset < self._skip_to

    @property
    def is_at_end(self) -> bool:
        """Whether the last boundary is the end."""
        return self.is_behind_end or self._boundary[2:] >= self._end

    def rotate(self, file: str, offset: int) -> None:
        """Goes to another file, or to where the server begins in the first one.

        Raises:
            UnreachablePosition: A file is missing; where there are GTIDs, they are checked instead.
        """
        number = file_number(file)
        if not self._since.gtid and number > self._number + 1:
            raise UnreachablePosition(
                f"{file} comes behind {self._file}: a file of the log is missing in between"
            )
        if file != self._file:
            self._created, self._skip_to = 0, 0
        self._file, self._number, self._offset = file, number, offset

    def begin_file(self, created: int) -> None:
        """Notes when a file was begun.

        Raises:
            UnreachablePosition: It is not the file of the position.
        """
        known = self._since
        another = created != known.created if known.created else 0 < known.asked < created
        if self._is_same and known.file == self._file and another:
            raise UnreachablePosition(
                f"{self._file} is a different file with that name: the numbering was reset"
            )
        self._created = created

    def check_before(self, told: bytes) -> None:
        """Checks which transactions a file says come before it.

        Raises:
            UnreachablePosition: Some of them were not sent, or the position knows more of them.
            ValueError: It is not a set of GTIDs.
        """
        if not self._since.gtid:
            return
        if self._mysql:
            listed = GtidSet.decoded(told)
            missing = str(listed.missing_in(self._set))
            is_before = bool(GtidSet(self._since.gtid).missing_in(listed))
        else:
            before = GtidList.decoded(told)
            missing = "" if self._list.reaches(before) else f"up to {before}"
            is_before = not before.reaches(GtidList(self._since.gtid))
        if is_before and self._is_same and self._number > file_number(self._since.file):
            raise UnreachablePosition(
                f"{self._file} does not come behind GTID {self._since.gtid}, as it did: the server "
                "was reset, or restored from a backup"
            )
        if missing:
            raise UnreachablePosition(
                f"{self._file} comes behind the transactions {missing}, and the log does not have "
                "them: a file of it is missing, or they were brought in without it"
            )

    def advance(self, event: Event, *, within: bool) -> None:
        """Goes to the end of an event.

        Args:
            event: The event.
            within: Whether it comes in the middle of a transaction.

        Raises:
            UnreachablePosition: A transaction extends beyond the end, or an event across the
                beginning.
        """
        if not event.end or event.flags & ARTIFICIAL:
            return
        before = self._offset
        offset = before - before % _ROUND + event.end
        self._offset = offset + _ROUND if offset < before else offset
        if before < self._skip_to < self._offset:
            raise UnreachablePosition(f"no event of {self._file} begins at {self._skip_to}")
        if (self._number, self._offset) > self._end:
            if within:
                raise UnreachablePosition("the end position is inside a transaction")
            self.is_behind_end = True

    def begin(self, began: Began) -> None:
        """Takes a transaction's GTID."""
        self._began = began
        if self._mysql and began.server:
            self._taken.add(began.server, began.number, began.tag)

    def pass_boundary(self) -> None:
        """Notes that no transaction is open here."""
        if self._offset < self._skip_to:
            return
        self._moved = True
        self._boundary = self._file, self._created, self._number, self._offset
        began, self._began = self._began, None
        if began is None or not began.server:
            return
        if self._mysql:
            self._set.add(began.server, began.number, began.tag)
        else:
            self._end_in_domain(began.server, began.number)

    @property
    def plain_until(self) -> int:
        """The offset of this file up to which plain events can be taken; 0 if none can."""
        if self.skips or self.is_behind_end or self._number > self._end[0]:
            return 0
        return self._end[1] if self._number == self._end[0] else _MOST_OFFSET

    def lend(self, kernel: Kernel) -> None:
        """Tells the kernel where the reading is."""
        state = kernel.state
        state.is_mariadb = not self._mysql
        state.offset, state.until = self._offset, self.plain_until

    def take_back(self, kernel: Kernel) -> None:
        """Moves to where the kernel is."""
        state = kernel.state
        if state.has_passed:
            self._offset = state.boundary
            self.pass_boundary()
            for each in kernel.gtids():
                self._add(each)
        self._offset = state.offset
        if state.begun == Begun.NUMBERED:
            gtid = kernel.open_gtid()
            self.begin(Began(_server(gtid, mysql=self._mysql), gtid.first, gtid.tag))
        elif state.begun == Begun.ANONYMOUS:
            self.begin(Began("", 0))

    def _add(self, ended: Gtids) -> None:
        """Takes transactions that have begun and ended."""
        server = _server(ended, mysql=self._mysql)
        if self._mysql:
            for known in (self._set, self._taken):
                known.add_all(server, ended.first, ended.last, ended.tag)
        else:
            self._end_in_domain(server, ended.last)

    def _end_in_domain(self, server: str, number: int) -> None:
        domain, server_id = server.split("-")
        self._list.add(int(domain), int(server_id), number)

    def taken_gtids(self) -> GtidSet:
        """MySQL's transactions that have come since this was last asked."""
        taken, self._taken = self._taken, GtidSet()
        return taken

    def last_position(self) -> Position:
        """Where the reading ended.

        Raises:
            UnreachablePosition: The server has no more, and the end was not reached.
        """
        if self.is_at_end or (self._start.gtid is not None and self._has_all()):
            created = self._created if self._file == self._until.file else 0
            gtid = self._gtid() or self._until.gtid
            return self._until.at(self._until.file, self._until.offset, created, gtid)
        file, _, _, offset = self._boundary
        raise UnreachablePosition(f"the log ends at {file}:{offset}")

    def _has_all(self) -> bool:
        """Whether everything before the end is known already, so that nothing was sent."""
        if self._mysql:
            return not GtidSet(self._until.gtid).missing_in(self._set)
        return self._list.reaches(GtidList(self._until.gtid))

    def _gtid(self) -> str:
        """The GTIDs before the boundary; "" if those before the beginning are not known."""
        if not self._since.gtid:
            return ""
        return str(self._set) if self._mysql else str(self._list)


def _server(gtids: Gtids, *, mysql: bool) -> str:
    """As `Began.server`."""
    if mysql:
        return uuid_text(gtids.server)
    domain, server_id = gtids.server[:4], gtids.server[4:8]
    return f"{int.from_bytes(domain, 'little')}-{int.from_bytes(server_id, 'little')}"
