"""What happened to which parcel and when: the skeleton that every table is filled from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tidemark_sandbox.seed.values import Floats, Ints, noise, seconds
from tidemark_sandbox.seed.words import LIVES, STATUSES

HOUR, DAY = 3600, 86_400
SPAN = 730 * DAY
#: The parcel that the examples ask for; its number ends in these digits.
KNOWN_PARCEL = "BAUNI000300014750782"
_FIRST_SERIAL = 300_014_750_782
_KNOWN_LIFE = 1  # the fourth row is DELIVERED
_STEPS = max(len(life) for _, life in LIVES)
_PARTNER_SALT = 1
#: The first ids have no gaps: each column has its guaranteed NULL among them.
_DENSE = 60


@dataclass(frozen=True)
class History:
    """Parcels' status changes in the order of time.

    Attributes:
        parcel: Number of the parcel, from 0; 0 is the known one.
        step: Which row of its parcel it is, from 0.
        status: Index into STATUSES.
        previous: The status before, or -1.
        created: When, in seconds since 1970.
        updated: When the row was last written: never after the parcel's next row, nor after now.
        last: Whether it is its parcel's last row.
        id: Primary keys: growing, with gaps.
        now: The latest moment that may occur.
        seed: What all values depend on.
    """

    parcel: Ints
    step: Ints
    status: Ints
    previous: Ints
    created: Ints
    updated: Ints
    last: Ints
    id: Ints
    now: int
    seed: int

    def __len__(self) -> int:
        return len(self.parcel)

    def part(self, start: int, stop: int) -> History:
        """The rows from ``start`` to before ``stop``."""
        columns = {
            name: value[start:stop]
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray)
        }
        return History(**columns, now=self.now, seed=self.seed)


def write_history(rows: int, seed: int, now: datetime) -> History:
    """Makes up the lives of as many parcels as give ``rows`` rows.

    Args:
        rows: How many rows, at least 100.
        seed: The same seed gives the same values, moved along with ``now``.
        now: Nothing happens later.
    """
    random = np.random.default_rng([seed, rows])
    parcels = rows // 2 + 50  # more than enough: a life has 3.6 steps on average
    weights = np.array([weight for weight, _ in LIVES], dtype=float)
    lives = random.choice(len(LIVES), size=parcels, p=weights / weights.sum())
    lives[0] = _KNOWN_LIFE
    table = np.full((len(LIVES), _STEPS), -1)
    for at, (_, life) in enumerate(LIVES):
        table[at, : len(life)] = [STATUSES.index(status) for status in life]
    status = table[lives]
    end = seconds(now)
    times = _times(random, parcels, end)
    happened = (status >= 0) & (times <= end)
    happened &= np.cumsum(happened.ravel()).reshape(happened.shape) <= rows  # exactly ``rows``
    after = np.concatenate([happened[:, 1:], np.zeros((parcels, 1), bool)], axis=1)
    next_time = np.where(after, np.roll(times, -1, axis=1), end)
    parcel, step = np.nonzero(happened)
    created = times[happened]
    updated = _updated(random, created, next_time[happened], known=parcel == 0)
    previous = np.where(step > 0, status[parcel, step - 1], -1)
    order = np.lexsort((step, parcel, created))
    gaps = np.where(random.random(rows) < 0.01, random.integers(2, 500, rows), 1)
    gaps[:_DENSE] = 1
    return History(
        parcel=parcel[order],
        step=step[order],
        status=status[happened][order],
        previous=previous[order],
        created=created[order],
        updated=updated[order],
        last=(~after)[happened][order].astype(np.int64),
        id=np.cumsum(gaps),
        now=end,
        seed=seed,
    )


def _times(random: np.random.Generator, parcels: int, end: int) -> Ints:
    """When each step happens: births over two years, more of them recent; hours between steps."""
    age: Floats = random.random(parcels) ** 1.3
    born = end - (age * SPAN).astype(np.int64)
    hours = random.gamma(2.0, 9.0, (parcels, _STEPS))
    hours[:, 0] = 0
    born[0], hours[0] = end - 10 * DAY, np.arange(_STEPS) * 4.5
    times: Ints = born[:, None] + (np.cumsum(hours, axis=1) * HOUR).astype(np.int64)
    return times


def _updated(random: np.random.Generator, created: Ints, limit: Ints, known: Ints) -> Ints:
    """Most rows are never touched again, some within hours, and some by a job at two at night,
    all of them with the same timestamp.
    """  # noqa: D205
    draw = random.random(len(created))
    later = created + random.integers(1, 3 * HOUR, len(created))
    nightly = (created // DAY + 1) * DAY + 2 * HOUR
    wanted = np.select([draw < 0.65, draw < 0.95], [created, later], nightly)
    wanted = np.where(known, created, wanted)
    updated: Ints = np.where(wanted <= limit, wanted, created)
    return updated


def partner_count(rows: int) -> int:
    """How many partners a data set of ``rows`` deliveries has."""
    return min(400, max(40, rows // 2500))


def partner_of(history: History, rows: int) -> Ints:
    """Number of each row's partner, from 0; the first ones have most of the parcels."""
    share = noise(history.parcel, history.seed, _PARTNER_SALT) / 2.0**64
    partner: Ints = (share**2 * partner_count(rows)).astype(np.int64)
    return partner


def serial(parcel: Ints) -> Ints:
    """The digits of parcel numbers: the known one first, the others apart by an odd stride."""
    return _FIRST_SERIAL + parcel * 37
