"""XA transactions that are prepared and not ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from mysql_binlog.errors import UnreadableChange
from mysql_binlog.events.bodies import Xid, xid_text
from mysql_binlog.model import Key, Kind, Table
from mysql_binlog.position import Position

Keys = dict[Table, dict[Key, Kind]]


@dataclass
class Prepared:
    """An XA transaction: its rows are logged when it is prepared, and committed later.

    Attributes:
        begin: Where it begins in the log.
        keys: What it changed; given when it is committed.
        overflow: Tables whose keys were given already, since there were too many to keep.
    """

    begin: Position
    keys: Keys = field(default_factory=dict)
    overflow: set[Table] = field(default_factory=set)

    @property
    def count(self) -> int:
        """How many keys are kept."""
        return sum(map(len, self.keys.values()))


class PreparedOnes:
    """XA transactions that are prepared and not ended."""

    def __init__(self) -> None:
        self._pending: dict[Xid, Prepared] = {}

    def add(self, xid: Xid, prepared: Prepared) -> None:
        """Notes that one is prepared."""
        self._pending[xid] = prepared

    def end(self, xid: Xid, *, committed: bool) -> Prepared | None:
        """Notes that one is committed or rolled back, and gives what it changed.

        Raises:
            UnreadableChange: It is committed, and was prepared before the log was read.
        """
        found = self._pending.pop(xid, None)
        if found is None and committed:
            raise UnreadableChange(
                f"XA COMMIT {xid_text(xid)}: it was prepared before the start position, so its "
                "changes are unknown"
            )
        return found

    def held_at(self, position: Position) -> Position:
        """The position from which a read may continue: before the oldest of them."""
        return next((each.begin for each in self._pending.values()), position)

    @property
    def names(self) -> tuple[str, ...]:
        """As XA COMMIT takes them."""
        return tuple(map(xid_text, self._pending))
