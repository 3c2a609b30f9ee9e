"""Decides what a run reads of a table: pure, from the bookmark and what the source says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tidemark_core.errors import ConfigError, SourceError, StateError
from tidemark_core.names import TableName

from tap_mysql.incremental.bookmark import Bookmark, Edge
from tap_mysql.query.sql import no_key
from tap_mysql.source.schema import DATES
from tap_mysql.values.key_values import KeyValue, Lookback, to_state

#: A bookmark may be this far ahead of the source's clock, after a failover to a host whose clock is
#: behind; more is a mistake.
_CLOCK_TOLERANCE = timedelta(hours=1)


@dataclass(frozen=True)
class Window:
    """Replication keys that a run reads, both ends inclusive.

    Attributes:
        lower: None: from the beginning.
        upper: Greatest key in the source when the run began; None: no row has one.
        cap: Greatest value that the bookmark may take: the source's clock, less what a replica is
            behind; for a number, ``upper``.
        next_lower: Lower end of the next run's window if this one ends as expected.
        now: The source's clock.
    """

    lower: KeyValue | None
    upper: KeyValue | None
    cap: KeyValue | None
    next_lower: KeyValue | None
    now: datetime

    @property
    def has_future(self) -> bool:
        """Whether rows lie beyond the source's clock."""
        return isinstance(self.upper, datetime) and self.upper > self.now

    def is_behind(self, bookmark: KeyValue | None) -> bool:
        """Whether the source no longer has rows as new as the bookmark."""
        return bookmark is not None and self.upper is not None and self.upper < bookmark  # type: ignore[operator]


@dataclass(frozen=True)
class News:
    """What a run finds to read.

    Attributes:
        window: The window.
        nulls: Rows without a key.
        edge: Fingerprint of the rows that the next run will look at again, before they are read.
        rows: The server's estimate of the window's rows.
    """

    window: Window
    nulls: int
    edge: Edge | None
    rows: int


def decide(
    bookmark: Bookmark,
    greatest: KeyValue | None,
    now: datetime,
    lookback: Lookback,
    lag: timedelta = timedelta(0),
) -> Window:
    """Decides the window.

    Args:
        bookmark: Of the last run.
        greatest: Greatest replication key in the source.
        now: The source's clock, UTC.
        lookback: How far before the bookmark to begin.
        lag: How far a replica is behind: what was written since may still arrive.
    """
    lower = None if bookmark.value is None else lookback.before(bookmark.value)
    cap = greatest
    if isinstance(greatest, datetime):
        cap = min(greatest, now - lag)
    return Window(
        lower=lower,
        upper=greatest,
        cap=cap,
        next_lower=None if cap is None else lookback.before(cap),
        now=now,
    )


def cut(decided: Window, end: KeyValue, lookback: Lookback) -> Window:
    """A window that ends earlier, at a key all of whose rows it includes.

    Args:
        decided: The whole window.
        end: Its new upper end, less than the old one.
        lookback: How far before the bookmark the next run begins.
    """
    cap = end if decided.cap is None else min(end, decided.cap)
    return replace(decided, upper=end, cap=cap, next_lower=lookback.before(cap))


def advanced(
    bookmark: KeyValue | None, read: KeyValue | None, cap: KeyValue | None
) -> KeyValue | None:
    """The bookmark after rows up to ``read``: never beyond the cap, never backwards."""
    if read is None or cap is None:
        return bookmark
    reached = min(read, cap)
    return reached if bookmark is None else max(bookmark, reached)


def next_lower(bookmark: KeyValue | None, decided: Window, lookback: Lookback) -> KeyValue | None:
    """Lower end of the next run's window, once this one has been read to its end."""
    value = advanced(bookmark, decided.upper, decided.cap)
    return None if value is None else lookback.before(value)


def check_limit(table: TableName, max_rows: int) -> None:
    """Refuses to read a part of a table that has no replication key.

    Raises:
        ConfigError: There is a limit.
    """
    if max_rows:
        raise ConfigError(
            "a table without a replication key is always read in full, so BACKUP_MAX_ROWS does not "
            "apply",
            table=table,
            hint="give it a replication key, or read it without a limit",
        )


def in_step(table: TableName, bookmark: Bookmark, now: datetime) -> Bookmark:
    """A bookmark that is not ahead of the source's clock, which may have gone back a little.

    Otherwise every row written until the clock catches up would be skipped. It goes back by as much
    as the clock may have gone back, since rows were written from that moment on.

    Raises:
        StateError: It is later than the source's clock by more than an hour.
    """
    value = bookmark.value
    if not isinstance(value, datetime) or value <= now:
        return bookmark
    if value > now + _CLOCK_TOLERANCE:
        raise StateError(
            f"the bookmark {to_state(value)} is in the future: the source's clock says "
            f"{to_state(now)}",
            table=table,
            hint=f"tidemark watermark set -t {table} --timestamp "
            f"'{now.strftime('%Y-%m-%d %H:%M:%S')}', or an earlier time",
        )
    return replace(bookmark, value=value - _CLOCK_TOLERANCE, edge=None)


def check_nulls(table: TableName, key: str, data_type: str, count: int, policy: str) -> None:
    """Refuses rows without a replication key, unless they are to be read.

    Args:
        table: The table.
        key: Its replication key.
        data_type: The key's type, as MySQL calls it.
        count: Rows that `sql.no_key` finds.
        policy: ``refuse`` or ``read``.

    Raises:
        SourceError: There are some, and the policy is to refuse them.
    """
    if count and policy == "refuse":
        what = "NULL or a zero date" if data_type in DATES else "NULL"
        raise SourceError(
            f"{count} rows have no replication key ({what}), so their changes cannot be detected",
            table=table,
            column=key,
            hint=f"set one (UPDATE … SET {key} = … WHERE {no_key(key, data_type)}), or set "
            "BACKUP_NULL_KEYS=read to read them whenever they change",
        )
