"""Hours that occur twice in local time because daylight saving time ends.

A DATETIME may hold any zone's local time, and no server says which. So every zone counts: together
they have some fifteen such hours per year.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

#: A fraction may have been rounded up to the hour at which the clock goes back.
_ROUNDED = timedelta(seconds=1)


@lru_cache(maxsize=4096)
def step_back(moment: datetime) -> timedelta:
    """The most that a zone's clock showing this time twice goes back; zero if none shows it so.

    Args:
        moment: A local time, without a zone.
    """
    earliest = datetime.min  # noqa: DTZ901 - a local time, as the moment is
    near = (moment, moment - _ROUNDED) if moment - earliest >= _ROUNDED else (moment,)
    return max((_step(local, zone) for local in near for zone in _zones()), default=timedelta())


def _step(local: datetime, zone: ZoneInfo) -> timedelta:
    """One zone's step: zero except in the doubled hour. Going forward, the offsets are reversed."""
    first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return max(timedelta(), (first or timedelta()) - (second or timedelta()))


@cache
def _zones() -> tuple[ZoneInfo, ...]:
    return tuple(ZoneInfo(name) for name in sorted(available_timezones()))
