"""How long the server keeps its log, and whether a position is getting too old for that."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: A position is moved when it is as old as this part of the retention: a run that fails then, at
#: night, leaves a day and a half of two days in which the next one finds its place.
_SHARE = 0.25


@dataclass(frozen=True)
class Retention:
    """A server's retention.

    Attributes:
        seconds: How long the log is kept; None: until somebody removes it.
        now: The server's clock when this was made, UTC.
    """

    seconds: float | None
    now: datetime
    _made: float = field(default_factory=time.monotonic)

    def is_near(self, since: datetime) -> bool:
        """Whether a log that ended there at a time may be removed before long.

        Args:
            since: The time, by the server's clock, UTC.
        """
        if self.seconds is None:
            return False
        age = self.now - since + timedelta(seconds=time.monotonic() - self._made)
        return age.total_seconds() > _SHARE * self.seconds
