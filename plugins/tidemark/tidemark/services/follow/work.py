"""What each leg has to do, and what it may try when. Pure.

A table that fails on a leg, or a leg as a whole, is left alone for a time that grows with each
failure; everything else goes on.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tidemark_core.names import TableName

#: Seconds: the shortest first wait, and the longest wait.
_FIRST, _LONGEST = 2.0, 600.0


class Step(StrEnum):
    """A leg, in the order in which they run."""

    BACKUP = "backup"
    LOAD = "load"
    BUILD = "build"


#: A table on a leg; None: the leg itself.
Part = tuple[Step, TableName | None]


@dataclass(frozen=True)
class Failure:
    """What has failed, and has not succeeded since.

    Attributes:
        times: How often, one after the other.
        until: When it may be tried again, by the caller's clock.
        message: Why it failed last.
        next: What to do about it, where that is known.
    """

    times: int
    until: float
    message: str
    next: str | None = None


def wait(times: int, every: float) -> float:
    """Seconds until the next try.

    Args:
        times: Failures so far, one after the other; at least one.
        every: Seconds between two rounds, at least.
    """
    return float(min(max(every, _FIRST) * 2.0 ** min(times - 1, 16), _LONGEST))


@dataclass
class Work:
    """What is left to be done.

    Attributes:
        every: Seconds between the beginnings of two rounds, at least.
        todo: The tables that each leg has something to do for.
        failures: What has failed and has not succeeded since.
    """

    every: float
    todo: dict[Step, set[TableName]] = field(default_factory=lambda: {step: set() for step in Step})
    failures: dict[Part, Failure] = field(default_factory=dict)

    def add(self, step: Step, tables: Collection[TableName]) -> None:
        """Gives a leg more to do."""
        self.todo[step].update(tables)

    def due(self, step: Step, now: float) -> tuple[TableName, ...]:
        """The tables that a leg is to be run for now."""
        if self._waits((step, None), now):
            return ()
        return tuple(sorted(t for t in self.todo[step] if not self._waits((step, t), now)))

    def is_due(self, now: float) -> bool:
        """Whether a round has anything to do."""
        return any(self.due(step, now) for step in Step)

    def retry(self) -> None:
        """Makes the next round try all that failed: the cause may be fixed by now."""
        self.failures = {
            part: replace(failure, until=-math.inf) for part, failure in self.failures.items()
        }

    def error(self, table: TableName | None) -> str | None:
        """Why a table, or a leg as a whole (None), fails now; None if it does not."""
        return next((f.message for (_, of), f in self.failures.items() if of == table), None)

    def told(self, tried: Collection[Part] | None = None) -> list[str]:
        """What fails now, one line each; of the parts that were tried, if they are given."""
        lines = []
        for (step, table), failure in sorted(self.failures.items(), key=str):
            if tried is not None and (step, table) not in tried:
                continue
            next = f"  Next: {failure.next}" if failure.next else ""
            lines.append(f"{step:6} {table or ''}  {failure.message}{next}")
        return lines

    def _waits(self, part: Part, now: float) -> bool:
        failure = self.failures.get(part)
        return failure is not None and now < failure.until

    def ended(
        self,
        step: Step,
        tables: Collection[TableName],
        errors: Mapping[TableName, str],
        now: float,
        *,
        cause: str | None = None,
        next: str | None = None,
        undone: Collection[TableName] = (),
    ) -> list[TableName]:
        """Notes how a leg has ended.

        Args:
            step: The leg.
            tables: Those that it was run for.
            errors: Why some of them failed.
            now: The clock.
            cause: Why it ended before its time; None: it did not.
            next: What to do about that.
            undone: Tables that it did not get to.

        Returns:
            The tables that are done.
        """
        self._note((step, None), cause, now, next)
        for table in tables:
            if table in errors or table not in undone:
                self._note((step, table), errors.get(table), now)
        done = [t for t in tables if t not in errors and t not in undone]
        self.todo[step].difference_update(done)
        return done

    def _note(self, part: Part, error: str | None, now: float, next: str | None = None) -> None:
        if error is None:
            self.failures.pop(part, None)
            return
        before = self.failures.get(part)
        times = 1 if before is None else before.times + 1
        self.failures[part] = Failure(times, now + wait(times, self.every), error, next)
