"""Keys and statements that were read from a log but not returned yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mysql_binlog.history.group import Keys, Prepared
from mysql_binlog.model import Key, Kind, Statement, Table

#: Keys of one event that are taken before a batch may be given.
_PAUSE = 10_000
#: Maximum keys of one table that are kept per prepared XA transaction.
_MOST_PREPARED = 200_000


class Kept:
    """Keeps keys and statements.

    Attributes:
        count: Keys that are kept, not counting those of prepared XA transactions.
    """

    def __init__(self) -> None:
        self._keys: Keys = {}
        self._told: list[Statement] = []
        self.count = 0

    def take(self) -> tuple[Keys, tuple[Statement, ...]]:
        """Gives what is kept, and forgets it."""
        keys = {table: found for table, found in self._keys.items() if found}
        told = tuple(self._told)
        self._keys, self._told, self.count = {}, [], 0
        return keys, told

    def tell(self, statements: Iterable[Statement]) -> None:
        """Keeps statements."""
        self._told += statements

    def add(self, table: Table, keys: Iterable[Key], kind: Kind) -> None:
        """Keeps keys of rows, all at once."""
        known = self._keys.setdefault(table, {})
        before = len(known)
        known.update(dict.fromkeys(keys, kind))
        self.count += len(known) - before

    def note(self, table: Table, keys: Iterator[Key], kind: Kind) -> Iterator[None]:
        """Keeps keys of rows, and pauses from time to time."""
        while True:
            known = self._keys.setdefault(table, {})
            before, pause = len(known), _PAUSE
            for key in keys:
                known[key] = kind
                pause -= 1
                if not pause:
                    break
            self.count += len(known) - before
            yield
            if pause:
                return

    def note_prepared(
        self, xa: Prepared, table: Table, keys: Iterator[Key], kind: Kind
    ) -> Iterator[None]:
        """Keeps keys of an XA transaction until it is committed, or has too many."""
        if xa.overflow:
            yield from self.note(table, keys, kind)
            xa.overflow.add(table)
            return
        known = xa.keys.setdefault(table, {})
        for key in keys:
            known[key] = kind
            if len(known) > _MOST_PREPARED:
                xa.overflow.update(xa.keys)
                for each, kept in xa.keys.items():
                    yield from self.note(each, iter(kept), kind)
                xa.keys = {}
                yield from self.note(table, keys, kind)
                return

    def commit(self, prepared: Prepared, text: str) -> None:
        """Takes what an XA transaction has changed.

        Args:
            prepared: The transaction.
            text: The statement that commits it.
        """
        for table, keys in prepared.keys.items():
            self._keys.setdefault(table, {}).update(keys)
            self.count += len(keys)
        self._told += [
            Statement("other", table, f"{text}, which changed too many rows to keep track of", True)
            for table in sorted(prepared.overflow)
        ]
