"""The part of a table that has not been passed on yet, and the resulting bookmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from tidemark_core.names import TableName

from tap_s3_parquet.bookmark import Bookmark, Entry
from tap_s3_parquet.commits import Commit, from_file, from_manifest
from tap_s3_parquet.index import Index


class Backlog:
    """A listing of one table, taken once, compared with its bookmark.

    Args:
        index: The lake.
        table: The table.
        bookmark: What is done.
        start: Extractions before this are left out.
        listing: Whether files without a manifest count too.

    Attributes:
        bookmark: What is done by now.
    """

    def __init__(
        self,
        index: Index,
        table: TableName,
        bookmark: Bookmark,
        *,
        start: datetime | None,
        listing: bool,
    ) -> None:
        self.bookmark = bookmark
        self._index = index
        self._table = table
        self._now = index.now()
        # A time that was set by hand, and files without manifests, need all that is there.
        is_plain = start is None and not listing and not bookmark.is_only_a_time
        self._since = bookmark.reach(self._now) if is_plain else None
        self._manifests = index.manifests(table, since=self._since)
        self._late = (
            bookmark.manifests.late(self._manifests) if self._since is None else frozenset()
        )
        self._files = index.files(table) if listing else []
        self._manifest_keys = {entry.key for entry in self._manifests}
        self._is_changed = False
        if bookmark.is_only_a_time and start is None:
            start = bookmark.newest
        self._start = start

    def commits(self) -> Iterator[Commit]:
        """Reads what is new, by the time of extraction; orphans are marked as done silently.

        Raises:
            LakeError: Something that is there cannot be handed over faithfully.
        """
        new = [entry for entry in self._manifests if self._is_new(entry)]
        new += [entry for entry in self._files if self._is_new(entry)]
        for entry in sorted(new, key=lambda entry: entry.moment):
            if entry.key in self._manifest_keys:
                yield from_manifest(self._index, entry)
            elif (commit := from_file(self._index, self._table, entry)) is not None:
                yield commit
            else:
                self._mark([entry])

    def done(self, entries: Sequence[Entry]) -> None:
        """Notes what has been handed over."""
        self._mark(entries)
        self.bookmark = self.bookmark.after(entries)

    def settle(self) -> bool:
        """Shortens the bookmark when everything has been handed over.

        What lies before the time from which reading starts counts as done: else it would come once
        that time is no longer set.

        Returns:
            Whether it differs from the one at the beginning.
        """
        if self._is_changed:
            if self._start is not None:
                entries = [*self._manifests, *self._files]
                self._mark([entry for entry in entries if entry.moment < self._start])
            self.bookmark = replace(
                self.bookmark,
                manifests=self.bookmark.manifests.settled(self._manifests, self._now, self._since),
                listing=self.bookmark.listing.settled(self._files, self._now)
                if self._files
                else self.bookmark.listing,
            )
        return self._is_changed

    def _is_new(self, entry: Entry) -> bool:
        if self._start is not None and entry.moment < self._start:
            return False
        mark = self.bookmark
        if entry.key not in self._manifest_keys:
            return mark.listing.is_new(entry)
        return mark.manifests.is_new(entry) or entry.name in self._late

    def _mark(self, entries: Sequence[Entry]) -> None:
        manifests = [entry for entry in entries if entry.key in self._manifest_keys]
        files = [entry for entry in entries if entry.key not in self._manifest_keys]
        self.bookmark = replace(
            self.bookmark,
            manifests=self.bookmark.manifests.with_done(manifests),
            listing=self.bookmark.listing.with_done(files),
        )
        self._is_changed = True
