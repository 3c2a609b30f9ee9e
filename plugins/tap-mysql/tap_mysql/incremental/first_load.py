"""The progress of a first load, and its bookmark. Pure."""

from __future__ import annotations

from dataclasses import replace

from tidemark_core.text.documents import Json

from tap_mysql.incremental.bookmark import Bookmark, FirstLoad, Identity
from tap_mysql.incremental.window import advanced
from tap_mysql.query.sql import Key
from tap_mysql.values.key_values import KeyValue


class FirstLoadProgress:
    """What is left of a first load while its ranges are read, several at once.

    Args:
        identity: The bookmark's.
        load: What was left at its beginning.
        cap: Greatest value that the bookmark may take.
    """

    def __init__(self, identity: Identity, load: FirstLoad, cap: KeyValue | None) -> None:
        self._identity = identity
        self._load = load
        self._cap = cap
        self._left: list[tuple[Key | None, Key | None] | None] = list(load.left)
        self._greatest = load.greatest

    def take(self, number: int, last: Key | None, greatest: KeyValue | None) -> None:
        """Notes a file of a range.

        Args:
            number: The range's place in what was left.
            last: Key of the file's last row; None: its rows have no order.
            greatest: Greatest replication key in it; None: no row has one.
        """
        if greatest is not None:
            known = self._greatest
            self._greatest = greatest if known is None else max(known, greatest)
        _, until = self._load.left[number]
        if last is not None:
            self._left[number] = (last, until)

    def finish(self, number: int) -> None:
        """Notes that a range has been read to its end."""
        self._left[number] = None

    @property
    def _rest(self) -> tuple[tuple[Key | None, Key | None], ...]:
        return tuple(pair for pair in self._left if pair is not None)

    @property
    def can_be_gone_on_with(self) -> bool:
        """Whether something is left that a later run can continue."""
        return bool(self._rest) and bool(self._load.order)

    @property
    def state(self) -> Json | None:
        """The bookmark; None if rows without an order are partly read, which proves nothing."""
        if self.can_be_gone_on_with:
            left = replace(self._load, left=self._rest, greatest=self._greatest)
            return self._identity.write(Bookmark(first_load=left))
        if self._rest:
            return None
        value = advanced(None, self._greatest, self._cap)
        value = self._cap if value is None else value
        return self._identity.write(
            Bookmark(value, self._load.edge if value == self._cap else None)
        )
