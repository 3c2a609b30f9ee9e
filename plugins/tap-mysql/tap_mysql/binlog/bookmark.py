"""The bookmark of a table that is read from the binary log, and how it is checked when read back.

Singer state with all that is ours under ``tidemark``: the position in the log, when the newest rows
were read, and how far an unfinished first load has come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mysql_binlog import Position
from tidemark_core.errors import StateError
from tidemark_core.names import TableName
from tidemark_core.text.documents import Json
from tidemark_core.types.singer_schema import LOG_BASED

from tap_mysql.query.sql import Key
from tap_mysql.values import key_values
from tap_mysql.values.own_part import OWN, mismatch, signed

_TICK = timedelta(microseconds=1)
Left = tuple[tuple[Key | None, Key | None], ...]


@dataclass(frozen=True)
class LogBookmark:
    """What has been read of a table.

    Attributes:
        position: Before it every change is read, or still to be read by the first load.
        epoch: When the first load began, which tells its files and later ones from all others.
        read_at: When the newest rows were read, by the source's clock, UTC; never goes back.
        columns: The columns that were read last, in their order.
        unselected: Columns that the table had beside them.
        left: Key ranges that the first load has not read yet, each ``(after, until)``; empty: it is
            done.
        again: Keys whose rows are read with the next changes, whatever the log says of them.
        shapes: What decides which values its columns can have (`shapes.shapes`), as it was when the
            log was read up to the position; of columns that are not in it nothing is known.
        placed_at: When the log ended at the position, by the source's clock, UTC; None if unknown.
            Written only while the first load is under way.
    """

    position: Position
    epoch: datetime
    read_at: datetime
    columns: tuple[str, ...]
    unselected: tuple[str, ...] = ()
    left: Left = ()
    again: tuple[Key, ...] = ()
    shapes: Mapping[str, str] = field(default_factory=dict)
    placed_at: datetime | None = None

    @property
    def needed_since(self) -> datetime:
        """The earliest time from which the log after the position is needed."""
        return self.placed_at or self.epoch

    def next_reading(self, now: datetime) -> datetime:
        """The read time for rows read now: later than all before, whatever the clock says.

        Args:
            now: The source's clock, UTC.
        """
        return max(now, self.read_at + _TICK)


@dataclass(frozen=True)
class LogIdentity:
    """What a bookmark belongs to.

    Attributes:
        table: The table.
        key: Columns of its primary key.
    """

    table: TableName
    key: tuple[str, ...]

    def write(self, bookmark: LogBookmark) -> Json:
        """Writes a bookmark as Singer state."""
        own: dict[str, object] = {
            **signed(self.table),
            "replication_method": LOG_BASED,
            "key": list(self.key),
            "columns": list(bookmark.columns),
            "shapes": dict(bookmark.shapes),
            "epoch": key_values.to_state(bookmark.epoch),
            "read_at": key_values.to_state(bookmark.read_at),
            "position": bookmark.position.to_json(),
        }
        if bookmark.unselected:
            own["unselected"] = list(bookmark.unselected)
        if bookmark.left:
            left = [
                [key_values.pack(after), key_values.pack(until)] for after, until in bookmark.left
            ]
            placed_at = key_values.to_state(bookmark.needed_since)
            own["first_load"] = {"left": left, "placed_at": placed_at}
        if bookmark.again:
            own["again"] = [key_values.pack(key) for key in bookmark.again]
        return {OWN: own}

    def read(self, state: Any) -> LogBookmark | None:
        """Reads a bookmark and checks what it belongs to.

        Args:
            state: The stream's entry in the state; empty if the stream was never read.

        Returns:
            The bookmark; None if the table was never read.

        Raises:
            StateError: It is damaged, or belongs to another table, key or replication method. It is
                never taken for an empty one: that would read the whole table again, unasked.
        """
        if not isinstance(state, Mapping):
            raise self._refuse("is not an object")
        if not any(value is not None for value in state.values()):
            return None
        own = state.get(OWN)
        if not isinstance(own, Mapping) or own.get("replication_method") != LOG_BASED:
            raise self._refuse("does not belong to a table that is read from the binary log")
        if problem := mismatch(own, self.table):
            raise self._refuse(problem)
        if own.get("key") != list(self.key):
            raise self._refuse(f"is of the key {own.get('key')}; it is now {list(self.key)}")
        try:
            return self._parse(own)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._refuse("is damaged") from error

    def _parse(self, own: Json) -> LogBookmark:
        load = own.get("first_load")
        left = () if load is None else tuple(self._range(pair) for pair in load["left"])
        if load is not None and not left:
            raise ValueError("a first load with no ranges left")
        return LogBookmark(
            position=Position.from_json(own["position"]),
            epoch=datetime.fromisoformat(own["epoch"]),
            read_at=datetime.fromisoformat(own["read_at"]),
            columns=tuple(map(str, own["columns"])),
            unselected=tuple(map(str, own.get("unselected", ()))),
            left=left,
            again=tuple(self._key(packed) for packed in own.get("again", ())),
            shapes={str(name): str(shape) for name, shape in own.get("shapes", {}).items()},
            placed_at=None if load is None else _time(load.get("placed_at")),
        )

    def _range(self, pair: Any) -> tuple[Key | None, Key | None]:
        after, until = (None if packed is None else self._key(packed) for packed in pair)
        return after, until

    def _key(self, packed: Any) -> Key:
        key = key_values.unpack(packed)
        if key is None or len(key) != len(self.key):
            raise ValueError("a key of another one")
        return key

    def _refuse(self, what: str) -> StateError:
        return StateError(
            f"the bookmark {what}",
            table=self.table,
            hint=f"read the table again: tidemark watermark reset -t {self.table}",
        )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
