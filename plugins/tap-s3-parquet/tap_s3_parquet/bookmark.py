"""What has been passed on of a table. Read from Singer state, so it is untrusted input.

S3's own clock orders the objects: one is new if it was put after the bookmark's time, or around
that time and is not among those that the bookmark names. Names alone would not do, because runs
that overlap, or machines whose clocks differ, put objects whose names lie before others'.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tidemark_core.errors import StateError
from tidemark_core.names import EXTRACTED_AT, TableName
from tidemark_core.text.documents import Json

#: How long after its time an object may become visible: S3 dates a put by its beginning.
_DELAY = timedelta(minutes=15)
#: So many manifests, a page of S3's, are listed each time. Of more, a listing begins so long before
#: the newest extraction that is done; after so long everything is listed again, and what was put
#: late under an older name is found.
_MANY = 1_000
_REACH = timedelta(minutes=30)
_SWEEP = timedelta(hours=1)


@dataclass(frozen=True)
class Entry:
    """An object that may be handed over.

    Attributes:
        key: S3 key.
        modified: When it was put, by S3's clock.
        moment: UTC second of the extraction, from its name.
        order: Sort key among those of one moment.
        name: What the bookmark calls it: its key below the table's folder.
    """

    key: str
    modified: datetime
    moment: datetime
    order: tuple[Any, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Mark:
    """Which objects of one kind are done.

    Attributes:
        until: Everything put before this is done; None: nothing is.
        recent: Names of objects put at or after `until` that are done.
        swept: When all objects were listed last, if they are many; None: a listing has them all.
    """

    until: datetime | None = None
    recent: frozenset[str] = frozenset()
    swept: datetime | None = None

    def is_new(self, entry: Entry) -> bool:
        if self.until is not None and entry.modified < self.until:
            return False
        return entry.name not in self.recent

    def with_done(self, entries: Iterable[Entry]) -> Mark:
        return replace(self, recent=self.recent | {entry.name for entry in entries})

    def late(self, seen: Sequence[Entry]) -> frozenset[str]:
        """Names of objects that the listings since the last sweep cannot have shown.

        Args:
            seen: All objects there are.
        """
        if self.swept is None:
            return frozenset()
        swept = self.swept - _DELAY
        return (
            frozenset(
                entry.name
                for entry, newest in _with_newest(seen)
                if entry.modified >= swept and entry.moment < newest - _REACH
            )
            - self.recent
        )

    def settled(self, seen: Iterable[Entry], now: datetime, since: datetime | None = None) -> Mark:
        """The mark once everything that a listing showed is done.

        Args:
            seen: All that the listing showed.
            now: S3's time at the listing's beginning.
            since: The extraction at which the listing began; None: it showed everything.
        """
        until = now - _DELAY
        if self.until is not None and until < self.until:
            until = self.until
        listed = {entry.name: entry.modified for entry in seen}
        recent = frozenset(name for name in self.recent if listed.get(name, until) >= until)
        if since is None:
            return Mark(until, recent & listed.keys(), now if len(listed) > _MANY else None)
        return Mark(until, recent, self.swept)


@dataclass(frozen=True)
class Bookmark:
    """A stream's bookmark.

    Attributes:
        manifests: Manifests that are done.
        listing: Files without a manifest that are done.
        newest: Latest extraction among what is done.
        last: Key of the manifest or file that was done last; for people.
    """

    manifests: Mark = field(default_factory=Mark)
    listing: Mark = field(default_factory=Mark)
    newest: datetime | None = None
    last: str | None = None

    @property
    def is_only_a_time(self) -> bool:
        """Whether it was set by hand: a time only, without names of what is done."""
        return self.newest is not None and self.manifests == Mark() and self.listing == Mark()

    def reach(self, now: datetime) -> datetime | None:
        """The extraction at which the next listing of manifests may begin; None: it shows all.

        Args:
            now: S3's time.
        """
        swept = self.manifests.swept
        if self.newest is None or swept is None or now - swept >= _SWEEP:
            return None
        return self.newest - _REACH

    def after(self, entries: Iterable[Entry]) -> Bookmark:
        """The bookmark with the latest extraction and the last key of what was just done."""
        done = list(entries)
        moments = [entry.moment for entry in done]
        if self.newest is not None:
            moments.append(self.newest)
        return replace(self, newest=max(moments), last=done[-1].key)

    def to_state(self) -> dict[str, object]:
        """As Singer state keeps it."""
        state: dict[str, Any] = {"replication_key": EXTRACTED_AT}
        if self.newest is not None:
            newest = self.newest.astimezone(UTC).replace(tzinfo=None)
            state["replication_key_value"] = newest.isoformat(timespec="microseconds")
        if self.last is not None:
            state["last"] = self.last
        for name, mark in (("manifests", self.manifests), ("listing", self.listing)):
            if mark != Mark():
                state[name] = {
                    "until": None if mark.until is None else mark.until.isoformat(),
                    "recent": sorted(mark.recent),
                }
                if mark.swept is not None:
                    state[name]["swept"] = mark.swept.isoformat()
        return state

    @classmethod
    def from_state(cls, state: Json, table: TableName) -> Bookmark:
        """Reads what `to_state` writes.

        Raises:
            StateError: It is something else; nothing is read, least of all everything again.
        """
        if not state:
            return cls()
        try:
            if state["replication_key"] != EXTRACTED_AT:
                raise ValueError(f"it refers to the column {state['replication_key']!r}")
            value = state.get("replication_key_value")
            newest = None if value is None else _parse(value)
            last = state.get("last")
            if last is not None and f"/{table.lake}/" not in f"/{last}":
                raise ValueError(f"it belongs to another table: {last!r}")
            return cls(_mark(state, "manifests"), _mark(state, "listing"), newest, last)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError(
                f"the bookmark cannot be read: {error!r}",
                table=table,
                hint=f"tidemark watermark reset --leg load -t {table}   (files already loaded are "
                "skipped)",
            ) from error


def _parse(text: Any) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _mark(state: Json, name: str) -> Mark:
    told = state.get(name)
    if told is None:
        return Mark()
    recent = told["recent"]
    if not isinstance(recent, list) or not all(isinstance(one, str) for one in recent):
        raise TypeError(f"{name}.recent is not a list of names")
    until, swept = told["until"], told.get("swept")
    return Mark(
        None if until is None else _parse(until),
        frozenset(recent),
        None if swept is None else _parse(swept),
    )


def _with_newest(seen: Sequence[Entry]) -> Iterator[tuple[Entry, datetime]]:
    """Each object with the newest extraction that a listing may have known when it showed it.

    An object becomes visible up to `_DELAY` after its time.
    """
    by_time = sorted(seen, key=lambda entry: entry.modified)
    at, newest = 0, datetime.min.replace(tzinfo=UTC) + _REACH
    for entry in by_time:
        while at < len(by_time) and by_time[at].modified <= entry.modified + _DELAY:
            newest = max(newest, by_time[at].moment)
            at += 1
        yield entry, newest
