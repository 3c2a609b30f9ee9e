"""What people do to MySQL while the pipeline is broken: insert, update, delete, commit late."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing
from functools import partial

from background import Background
from pymysql.cursors import Cursor
from tidemark_sandbox.world import Sandbox

#: Rows that `Sandbox.change`, which touches the newest ones, leaves to us: nobody else writes them,
#: so no replication key goes backwards.
OLD_ROWS = 1_000
_TABLE = "settlement_normal_delivery_detail"
_LONGEST_SECONDS = 20.0


class Writers(Background):
    """Two writers in threads, from the start of the block to its end.

    Args:
        sandbox: With more than `OLD_ROWS` deliveries.
        chance: Decides what they do.

    Attributes:
        done: What was committed, and what was rolled back.
        deleted: Keys of deliveries that were deleted.
    """

    def __init__(self, sandbox: Sandbox, chance: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self.deleted: set[int] = set()
        self._sandbox = sandbox
        seeds = [chance.randrange(2**32) for _ in range(2)]
        work = zip((self._live, self._hold), seeds, strict=True)
        super().__init__(*(partial(each, random.Random(seed)) for each, seed in work))

    def _live(self, chance: random.Random) -> None:
        """What a day does, in little."""
        while not self._over.wait(chance.uniform(0.2, 2)):
            changed = self._sandbox.change(chance.randint(3, 12), chance.randrange(2**32))
            for counts in changed.values():
                self.done.update(counts)

    def _hold(self, chance: random.Random) -> None:
        """Transactions that stay open for a while, some of which come to nothing."""
        while not self._over.wait(chance.uniform(0.1, 1)):
            with (
                closing(self._sandbox.source.connect(database="settlement")) as connection,
                connection.cursor() as cursor,
            ):
                connection.begin()
                gone = self._write(cursor, chance)
                self._over.wait(chance.choice((0, 0, 1, _LONGEST_SECONDS)) * chance.random())
                if chance.random() < 0.2:
                    connection.rollback()
                    self.done["rolled back"] += 1
                    continue
                connection.commit()
                self.deleted |= gone
                self.done["deleted" if gone else "updated late"] += max(1, len(gone))

    def _write(self, cursor: Cursor, chance: random.Random) -> set[int]:
        """Changes or deletes some rows; gives the keys of those deleted."""
        keys = chance.sample(range(1, OLD_ROWS), 5)
        listed = ", ".join(map(str, keys))
        if chance.random() < 0.2:
            cursor.execute(f"SELECT ID FROM `{_TABLE}` WHERE ID IN ({listed}) FOR UPDATE")
            gone = {key for (key,) in cursor.fetchall()}
            cursor.execute(f"DELETE FROM `{_TABLE}` WHERE ID IN ({listed})")
            return gone
        cursor.execute(
            f"UPDATE `{_TABLE}` SET net_price = COALESCE(net_price, 0) + 1,"
            f" update_at = UTC_TIMESTAMP() WHERE ID IN ({listed})"
        )
        return set()
