"""Full copies being written to a target: which ones are incomplete. Pure.

A STATE carries the bookmarks of all streams, so one may come in the middle of another stream's full
copy, and half a copy would be taken for the newest. A copy's end is recognised:

- in RECORD messages by Singer's own marks: the ``version`` that each of them carries, and the
  ACTIVATE_VERSION that makes this version the stream's. A tap that writes it before the rows wants
  them to be seen as they come. A stream with bookmark properties is not a full copy, whatever its
  records carry.
- in BATCH messages by the fact ``has_more`` of our files.

A tap may also resume a copy: then its STATE moves the stream's own bookmark, and claims what came.
Input with neither a STATE nor an ACTIVATE_VERSION is not a tap's run; its versions mean nothing.
"""

from __future__ import annotations

import copy

from tidemark_core.text.documents import Json

#: In place of a version: the part consists of files.
_FILES = "files"


class Copies:
    """The full copies of a run."""

    def __init__(self) -> None:
        self._parts: dict[str, object] = {}
        self._claimed: set[str] = set()
        self._active: dict[str, object] = {}
        self._incremental: set[str] = set()
        self._marks: Json = {}
        self._is_run = False

    @property
    def unfinished(self) -> frozenset[str]:
        """Streams of whose copy only a part has come."""
        return frozenset(self._parts)

    @property
    def held(self) -> frozenset[str]:
        """Those of the unfinished whose rows must not be committed yet."""
        return frozenset(self._parts.keys() - self._claimed)

    def schema(self, stream: str, *, is_incremental: bool) -> bool:
        """Takes in a SCHEMA message.

        Args:
            stream: The stream.
            is_incremental: Whether it has bookmark properties.

        Returns:
            Whether a copy in files starts over, so that what has come of it must be dropped.
        """
        (self._incremental.add if is_incremental else self._incremental.discard)(stream)
        if self._parts.get(stream) != _FILES:
            return False
        del self._parts[stream]
        return True

    def record(self, stream: str, version: object) -> bool:
        """Takes in a RECORD message.

        Args:
            stream: The stream.
            version: What it carries; None: nothing.

        Returns:
            Whether another copy begins, so that what has come of the last one must be dropped.
        """
        if version is None or stream in self._incremental or version == self._active.get(stream):
            return False
        before = self._parts.get(stream, version)
        is_another = before != version and stream not in self._claimed
        self._parts[stream] = version
        self._claimed.discard(stream)
        return is_another

    def activate(self, stream: str, version: object) -> None:
        """Takes in an ACTIVATE_VERSION message."""
        self._is_run = True
        self._active[stream] = version
        if self._parts.get(stream) == version:
            self._forget(stream)

    def file(self, stream: str, *, has_more: bool) -> None:
        """Takes in a file of a BATCH message."""
        if has_more:
            self._parts[stream] = _FILES
        elif self._parts.get(stream) == _FILES:
            self._forget(stream)

    def state(self, bookmarks: Json | None) -> None:
        """Takes in a STATE: where it moves the bookmark of a stream of records, it claims them."""
        self._is_run = True
        for stream, mark in (bookmarks or {}).items():
            if mark and mark != self._marks.get(stream) and self._parts.get(stream) != _FILES:
                self._claimed.add(stream)
        self._claimed &= self._parts.keys()
        self._marks = copy.deepcopy(bookmarks or {})

    def end(self) -> None:
        """Takes in the end of the input."""
        if not self._is_run:
            self._parts = {stream: of for stream, of in self._parts.items() if of == _FILES}

    def _forget(self, stream: str) -> None:
        del self._parts[stream]
        self._claimed.discard(stream)
