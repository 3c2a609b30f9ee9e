"""Where transactions begin and end in a log: by marks, by statements, by XA."""

from __future__ import annotations

from collections.abc import Callable

from mysql_binlog.errors import DamagedLog, UnknownEvent, UnreadableChange
from mysql_binlog.events import bodies
from mysql_binlog.events.codes import ARTIFICIAL, HEARTBEATS, IGNORABLE, PASSED_OVER, Code
from mysql_binlog.events.event import Event
from mysql_binlog.events.statements import Statements
from mysql_binlog.history.group import Prepared, PreparedOnes
from mysql_binlog.history.kept import Kept
from mysql_binlog.history.place import Place

#: Maximum bytes of the GTIDs that a file begins with.
_MOST_GTIDS = 2**28
_Beginnings = dict[int, Callable[[Event], bodies.Began]]
#: Read the GTID with which a transaction begins; those of the other server are not known.
_OF_MYSQL: _Beginnings = {
    Code.GTID: lambda event: bodies.gtid(event.reader()),
    Code.GTID_TAGGED: lambda event: bodies.tagged_gtid(event.reader()),
    Code.ANONYMOUS_GTID: lambda _: bodies.Began("", 0),
}
_OF_MARIADB: _Beginnings = {
    Code.MARIADB_GTID: lambda event: bodies.mariadb_gtid(event.reader(), event.server_id),
}


class Transaction:
    """The current transaction, if there is one, and the XA transactions before it.

    Args:
        place: Where the reading is.
        kept: Gets what statements say, and what a prepared transaction has changed.
        statements: Reads statements.
        mariadb: Whether the log is MariaDB's.

    Attributes:
        is_open: Whether one is open.
        is_implicit: Whether rows began it.
        is_alone: Whether it is one statement, as its GTID says.
        xa: The XA transaction whose rows come now.
        prepared: Those that are prepared and not ended.
    """

    def __init__(self, place: Place, kept: Kept, statements: Statements, mariadb: bool) -> None:
        self._place, self._kept = place, kept
        self._statements, self._mariadb = statements, mariadb
        self._beginnings = _OF_MARIADB if mariadb else _OF_MYSQL
        self.is_open = self.is_implicit = self.is_alone = False
        self.xa: Prepared | None = None
        self.prepared = PreparedOnes()

    def open(self) -> None:
        """Begins one, as BEGIN does."""
        self.is_open, self.is_implicit = True, False

    def mark(self, event: Event) -> None:
        """Takes an event that marks a transaction, or means nothing here.

        Raises:
            BinlogError: The read cannot continue.
        """
        code = event.code
        if code == Code.XID:
            self._end()
        elif code == Code.XA_PREPARE:
            self._prepare(*bodies.xa_prepare(event.reader()))
        elif code in self._beginnings:
            self._begin(self._beginnings[code](event))
        elif code in (Code.PREVIOUS_GTIDS, Code.MARIADB_GTID_LIST):
            if event.end and not event.flags & ARTIFICIAL:
                self._place.check_before(event.reader().rest(_MOST_GTIDS))
        elif code in PASSED_OVER or code in HEARTBEATS:
            return
        elif code == Code.EXECUTE_LOAD_QUERY:
            raise UnreadableChange("LOAD DATA was logged as a statement: its rows are unknown")
        elif code == Code.INCIDENT:
            raise UnreadableChange("the log reports lost events (an incident event)")
        elif not event.flags & IGNORABLE:
            raise UnknownEvent(
                f"an event of type {code}, which is not known, at {self._place.here}"
            )

    def _begin(self, began: bodies.Began) -> None:
        if self.is_open:
            raise DamagedLog("a transaction starts inside another one")
        self._place.begin(began)
        self.open()
        self.is_alone = began.alone
        if began.prepares:
            self.xa = Prepared(self._place.boundary)

    def _end(self) -> None:
        if self.xa is not None:
            raise DamagedLog("an XA transaction ends without being prepared")
        self.is_open = self.is_implicit = False

    def query(self, query: bodies.Query) -> None:
        """Takes a statement.

        Raises:
            UnreadableChange: It was logged in place of the rows that it changed.
        """
        words = query.text[:64].upper().split()
        first = words[0].rstrip(";") if words else ""
        if first == "BEGIN":
            self.open()
        elif first == "COMMIT" or (first == "ROLLBACK" and "TO" not in words):
            self._end()
        elif first in ("SAVEPOINT", "ROLLBACK", "RELEASE"):
            return
        elif first == "XA":
            self._xa_query(query.text)
        elif self._statements.changes_rows(query):
            raise UnreadableChange(
                "a statement was logged instead of the rows it changed "
                f"(binlog_format was not ROW): {query.text[:200]}"
            )
        else:
            self._kept.tell(self._statements.read(query))
            # A standalone statement ends what its GTID began; MariaDB's CREATE … SELECT does not.
            rows_follow = self._statements.begins_transaction(query) or (
                self._mariadb and self.is_open and not self.is_alone
            )
            self.is_open = rows_follow

    def _xa_query(self, text: str) -> None:
        found = bodies.xa_statement(text)
        if found is None:
            raise UnreadableChange(f"an XA statement that cannot be parsed: {text[:200]}")
        verb, xid = found
        if verb in ("START", "BEGIN"):
            self.is_open, self.xa = True, Prepared(self._place.boundary)
        elif verb in ("COMMIT", "ROLLBACK"):
            ended = self.prepared.end(xid, committed=verb == "COMMIT")
            if ended is not None and verb == "COMMIT":
                self._kept.commit(ended, text)
            self._end()

    def _prepare(self, xid: bodies.Xid, one_phase: bool) -> None:
        prepared = self.xa or Prepared(self._place.boundary)
        self.xa = None
        self._end()
        if one_phase:
            self._kept.commit(prepared, f"XA COMMIT {bodies.xid_text(xid)} ONE PHASE")
        else:
            self.prepared.add(xid, prepared)
