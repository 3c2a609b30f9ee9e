"""What the events of a log say, one after the other: keys, statements, and positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mysql_binlog.errors import NONSENSE, DamagedLog, UnreachablePosition
from mysql_binlog.events import bodies
from mysql_binlog.events.codes import DELETES, HEADER, ROWS, WRITES, Code
from mysql_binlog.events.event import Event
from mysql_binlog.events.source import Reader, payload
from mysql_binlog.events.statements import Statements
from mysql_binlog.gtid import GtidSet
from mysql_binlog.history.kept import Kept
from mysql_binlog.history.place import Place
from mysql_binlog.history.tables import Tables, ends_statement
from mysql_binlog.history.transaction import Transaction
from mysql_binlog.model import Batch, Kind
from mysql_binlog.plain.kernel import Kernel
from mysql_binlog.position import Position
from mysql_binlog.wire.start import Start

#: Rows events of at most this many bytes are taken in one go.
_IN_ONE_GO = 2**20
#: Largest event within a compressed transaction that is read in one piece.
_IN_MEMORY = 16 * 2**20


class History:
    """Reads events, and keeps what they say until a batch is asked for.

    Args:
        since: Where the reading begins.
        until: Where it ends.
        start: How the server was asked.
        tables: Finds keys.
        fold: How the server compares names of tables.
        batch_keys: Keys after which a batch is asked for.
    """

    def __init__(
        self, since: Position, until: Position, start: Start, tables: Tables,
        fold: Callable[[str], str] = str, batch_keys: int = 100_000,
    ) -> None:  # fmt: skip
        self._tables, self._batch_keys = tables, batch_keys
        self._place, self._kept = Place(since, until, start), Kept()
        statements = Statements(tables.wanted, fold)
        mariadb = since.flavor == "mariadb"
        self._transaction = Transaction(self._place, self._kept, statements, mariadb)

    @property
    def here(self) -> Position:
        """Where the last event ended, in a transaction or not."""
        return self._place.here

    @property
    def count(self) -> int:
        """Keys that are kept."""
        return self._kept.count

    @property
    def is_over(self) -> bool:
        """Whether the end is reached."""
        return not self._transaction.is_open and self._place.is_at_end

    def taken_gtids(self) -> GtidSet:
        """The GTIDs of MySQL's transactions since this was last asked."""
        return self._place.taken_gtids()

    def batch(self, *, last: bool = False) -> Batch:
        """Gives what is kept, and forgets it.

        Args:
            last: Whether the server has no more, or the end is reached.

        Raises:
            UnreachablePosition: The server has no more, and the end is not reached.
        """
        if last and self._transaction.is_open:
            raise UnreachablePosition(
                f"the log ends in the middle of a transaction, at {self.here}"
            )
        self._kept.tell(self._tables.take_unreadable())
        end = self._place.last_position() if last else self._place.boundary
        keys, told = self._kept.take()
        prepared = self._transaction.prepared
        return Batch(prepared.held_at(end), keys, told, prepared.names)

    def take(self, event: Event) -> Iterator[None] | None:
        """Takes an event.

        Returns:
            None if the event is taken. For a large one, an iterator that takes it piece by piece,
            so that a batch can be given in between.

        Raises:
            BinlogError: The read cannot continue.
        """
        code, place = event.code, self._place
        if code == Code.ROTATE:
            self._rotate(event)
            return None
        skipped = place.skips
        place.advance(event, within=self._transaction.is_open)
        if code == Code.FORMAT_DESCRIPTION:
            self._format(event)
        elif code == Code.TRANSACTION_PAYLOAD and not skipped:
            return self._payload(payload(event.reader()))
        elif code in ROWS and not skipped and not place.is_behind_end:
            if event.data is None or len(event.data) > _IN_ONE_GO:
                return self._rows(event)
            for _ in self._rows(event):
                pass
        elif not skipped and not place.is_behind_end:
            self._other(event)
        if not self._transaction.is_open:
            place.pass_boundary()
        return None

    def take_plain(self, data: memoryview, sequence: int, checksums: bool) -> tuple[int, int]:
        """Has the kernel take plain events; see `mysql_binlog.wire.packets.Plain`.

        Raises:
            DamagedLog: A key is not valid.
        """
        transaction, kernel = self._transaction, self._tables.kernel
        if transaction.xa is not None or transaction.is_implicit or not self._place.plain_until:
            return 0, sequence
        self._place.lend(kernel)
        kernel.state.is_open, kernel.state.has_checksums = transaction.is_open, checksums
        kernel.state.sequence = sequence
        # A key that changes repeatedly counts each time: so at least an eighth of a batch.
        kernel.state.most_keys = max(self._batch_keys - self.count, self._batch_keys // 8, 1)
        used = kernel.run(data)
        if used:
            self._take_back(kernel)
        return used, kernel.state.sequence

    def _take_back(self, kernel: Kernel) -> None:
        """Takes over what the kernel has read."""
        self._place.take_back(kernel)
        self._transaction.is_open = bool(kernel.state.is_open)
        if kernel.state.begun:
            self._transaction.is_alone = False
        try:
            for table, kind, keys in self._tables.plain_rows():
                self._kept.add(table, keys, kind)
        except NONSENSE as error:
            raise DamagedLog(f"a key in the log cannot be read: {error!r}") from error

    def _rotate(self, event: Event) -> None:
        file, offset = bodies.rotate(event.reader().rest(1024))
        if self._transaction.is_open and file != self._place.here.file:
            raise DamagedLog("a file of the log ends in the middle of a transaction")
        self._place.rotate(file, offset)
        self._tables.begin_file()
        if not self._transaction.is_open:
            self._place.pass_boundary()

    def _format(self, event: Event) -> None:
        self._place.begin_file(event.timestamp)
        self._tables.begin_file()

    def _other(self, event: Event) -> None:
        """Takes an event without rows."""
        code = event.code
        if code == Code.TABLE_MAP:
            if event.data is None:
                raise DamagedLog("a table map of more than 16 MB")
            if told := self._tables.describe(event.data):
                self._kept.tell([told])
        elif code == Code.QUERY and bodies.is_begin(event.data):
            self._transaction.open()
        elif code in (Code.QUERY, Code.MARIADB_QUERY_COMPRESSED):
            query = bodies.query(event.reader(), compressed=code != Code.QUERY)
            self._transaction.query(query)
        else:
            self._transaction.mark(event)

    def _rows(self, event: Event) -> Iterator[None]:
        transaction = self._transaction
        if not transaction.is_open:
            transaction.is_open = transaction.is_implicit = True
        found = self._tables.rows(event)
        if found is not None:
            table, keys = found
            kind: Kind = "update"
            if event.code in WRITES:
                kind = "write"
            elif event.code in DELETES:
                kind = "delete"
            if transaction.xa is None:
                yield from self._kept.note(table, keys, kind)
            else:
                yield from self._kept.note_prepared(transaction.xa, table, keys, kind)
        if transaction.is_implicit and ends_statement(event):
            transaction.is_open = transaction.is_implicit = False
            self._place.pass_boundary()

    def _payload(self, events: Reader) -> Iterator[None]:
        """Takes the events of a compressed transaction."""
        while events.left is None or events.left:
            head = events.take(HEADER.size)
            timestamp, code, server_id, length, _, flags = HEADER.unpack(head)
            left = length - HEADER.size
            if left < 0 or code == Code.TRANSACTION_PAYLOAD:
                raise DamagedLog("a compressed transaction contains an invalid event")
            event = Event(code, timestamp, server_id, 0, flags, None, Reader(events, left))
            if left <= _IN_MEMORY:
                event.data = head + events.take(left)
            if code in ROWS:
                yield from self._rows(event)
            else:
                self._other(event)
            if event.data is None and event.body is not None:
                event.body.skip(event.body.left or 0)
        if not self._transaction.is_open:
            self._place.pass_boundary()
