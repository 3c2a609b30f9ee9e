"""Keeps a follower running, as systemd does, and has gaps healed, as an operator does."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence

from background import Background
from projects.nights import Night

from following.follower import Following
from following.tables import TABLES

_GAP = re.compile(
    r"(settlement\.followed_\w+) .*(changed the whole table|no longer contains|no longer exists)"
)
_BETWEEN, _REFUSED = 0.5, 2
#: Seconds in which a follower has seen that a table is well again.
_PATIENCE = 120.0


class Keeper(Background):
    """A follower, always, from begin to end of the block; in the end it is stopped.

    Attributes:
        ended: How often it ended with which exit code.
        read_anew: Tables of which rows that were deleted meanwhile are to be reconciled.
        healed: Exit codes of `tidemark resync`, and of what it asks for where it refuses.
    """

    def __init__(self, night: Night, start: type[Following] = Following) -> None:
        self.ended: Counter[int] = Counter()
        self.healed: Counter[int] = Counter()
        self._night, self._start = night, start
        self.read_anew: set[str] = set()
        self._healed_at: dict[str, float] = {}
        self.one = start(night)
        super().__init__(self._keep, self._heal)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if not self.one.is_over:
            self.one.process.terminate()
        self.ended[self.one.process.wait(300)] += 1

    def processes(self) -> Sequence[int]:
        """The follower, and everything below it."""
        return self.one.processes()

    def _keep(self) -> None:
        while not self._over.wait(_BETWEEN):
            if self.one.is_over:
                self.ended[self.one.process.returncode] += 1
                self.one = self._start(self._night)

    def _heal(self) -> None:
        while not self._over.wait(_BETWEEN):
            gaps = self.gaps_of(self.one)
            for table in set(self._healed_at) - set(gaps):
                del self._healed_at[table]
            for table in gaps:
                if time.monotonic() - self._healed_at.get(table, -_PATIENCE) >= _PATIENCE:
                    self._resync(table)

    def _resync(self, table: str) -> None:
        done = self._night.tidemark("resync", "-t", table)
        self.healed[done.returncode] += 1
        if done.returncode == _REFUSED:
            print(done.stdout[-1500:], flush=True)
            done = self._night.tidemark("watermark", "reset", "-t", table, "--yes")
            self.healed[done.returncode] += 1
            self.read_anew.add(table)
        if done.returncode == 0:
            self._healed_at[table] = time.monotonic()

    @staticmethod
    def gaps_of(one: Following) -> list[str]:
        """The tables of which it says that they need a hand."""
        found = {match[1] for line in one.failures for match in [_GAP.search(line)] if match}
        return sorted(found & {table.full_name for table in TABLES})
