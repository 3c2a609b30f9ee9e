"""How long a change takes until it is seen, told from outside: by who writes and who reads.

Every second a row of each table is written in MySQL, and its copy is looked for in public. So the
time in which no follower runs counts, which none of them can tell.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

import pymysql
import redshift_connector
from background import Background
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.world import Sandbox

from following.tables import DATABASE, TABLES, Followed

_BEAT = "beat"
_EVERY, _LOOKS = 1.0, 0.5
_SEEN = " UNION ALL ".join(
    f"SELECT {place}, max(n) FROM public.{table.name} WHERE \"text\" = '{_BEAT}'"
    for place, table in enumerate(TABLES)
)


class Heart(Background):
    """Beats, and looks for its beats, from begin to end of the block.

    Attributes:
        lags: Seconds from the commit of each beat until it, or a later one, was seen; by table.
        minutes: The same of all tables, by the minute of the commit since the beginning.
    """

    def __init__(self, world: Sandbox) -> None:
        self.lags: dict[str, list[float]] = {table.name: [] for table in TABLES}
        self.minutes: dict[int, list[float]] = defaultdict(list)
        self._world, self._begun = world, time.monotonic()
        self._waiting: dict[str, deque[tuple[int, float]]] = {t.name: deque() for t in TABLES}
        self._count = 0
        super().__init__(self._beat, self._look)

    def __exit__(self, *_: object) -> None:
        """Ends; what was not seen yet has taken so long at least."""
        super().__exit__()
        now = time.monotonic()
        for name, waiting in self._waiting.items():
            for _number, at in waiting:
                self._note(name, at, now)

    def __str__(self) -> str:
        every = [lag for lags in self.lags.values() for lag in lags]
        return f"{spread(every)}; by table: " + ", ".join(
            f"{name} {spread(lags)}" for name, lags in self.lags.items()
        )

    @property
    def p95(self) -> float:
        """Of all tables."""
        return quantile([lag for lags in self.lags.values() for lag in lags], 0.95)

    def _beat(self) -> None:
        while not self._over.is_set():
            with (
                suppress(pymysql.err.MySQLError, SandboxError, OSError),
                closing(self._world.source.connect(database=DATABASE)) as connection,
                connection.cursor() as cursor,
            ):
                while not self._over.wait(_EVERY):
                    self._count += 1
                    for table in TABLES:
                        self._beat_of(cursor, table)
            self._over.wait(0.2)

    def _beat_of(self, cursor: Any, table: Followed) -> None:
        statement = f"{table.insert('INSERT')} ON DUPLICATE KEY UPDATE n = {self._count}"
        cursor.execute(statement, (*table.beat, self._count, _BEAT, None, None))
        self._waiting[table.name].append((self._count, time.monotonic()))

    def _look(self) -> None:
        while not self._over.is_set():
            with (
                suppress(redshift_connector.Error, SandboxError, OSError),
                closing(self._world.redshift.connect()) as connection,
                connection.cursor() as cursor,
            ):
                while not self._over.wait(_LOOKS):
                    cursor.execute(_SEEN)
                    self._saw(cursor.fetchall(), time.monotonic())

    def _saw(self, rows: Sequence[Sequence[Any]], now: float) -> None:
        for place, newest in rows:
            name = TABLES[place].name
            waiting = self._waiting[name]
            while newest is not None and waiting and waiting[0][0] <= newest:
                self._note(name, waiting.popleft()[1], now)

    def _note(self, name: str, at: float, now: float) -> None:
        self.lags[name].append(now - at)
        self.minutes[int((at - self._begun) / 60)].append(now - at)


def quantile(lags: Sequence[float], share: float) -> float:
    """The lag that so many of them do not exceed; 0 of none."""
    ordered = sorted(lags)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def spread(lags: Sequence[float]) -> str:
    """They in a few words."""
    p50, p95 = quantile(lags, 0.5), quantile(lags, 0.95)
    return f"p50 {p50:.1f} p95 {p95:.1f} max {max(lags, default=0):.1f} s ({len(lags)})"
