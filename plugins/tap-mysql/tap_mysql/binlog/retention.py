"""How long the server keeps its log, and whether a position is getting too old for that."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: A position is moved once its age is this share of the retention: if that run fails, at night, and
#: the retention is two days, the next one has a day and a half to find its place.
_SHARE = 0.25


@dataclass(frozen=True)
class Retention:
    """A server's retention.

    Attributes:
        seconds: How long the log is kept; None: until it is removed by hand.
        now: The server's clock when this was made, UTC.
    """

    seconds: float | None
    now: datetime
    _made: float = field(default_factory=time.monotonic)

    def is_near(self, since: datetime) -> bool:
        """Whether the log after a position may soon be removed.

        Args:
            since: When the log ended at the position, by the server's clock, UTC.
        """
        if self.seconds is None:
            return False
        age = self.now - since + timedelta(seconds=time.monotonic() - self._made)
        return age.total_seconds() > _SHARE * self.seconds
