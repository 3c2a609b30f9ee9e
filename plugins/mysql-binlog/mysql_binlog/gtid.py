"""Sets of GTIDs: MySQL's intervals by server and tag, MariaDB's last number of each domain."""

from __future__ import annotations

import re
import struct
import uuid
from collections.abc import Iterator

#: (server's UUID, tag or "") and its intervals, sorted and disjoint, both ends inclusive.
Intervals = dict[tuple[str, str], list[tuple[int, int]]]
_TAG = re.compile(r"[a-z_][a-z0-9_]{0,31}")
#: GTID numbers are below 2**63.
_MOST = 2**63 - 1


class GtidSet:
    """MySQL's set of GTIDs.

    Args:
        text: As ``gtid_executed`` writes it, line breaks and tags included.

    Raises:
        ValueError: It is something else.
    """

    def __init__(self, text: str = "") -> None:
        self._intervals: Intervals = {}
        for part in filter(None, re.sub(r"\s", "", text).lower().split(",")):
            server, *words = part.split(":")
            source, tag = str(uuid.UUID(server)), ""
            if not words:
                raise ValueError(f"{part!r} is not a GTID")
            for word in words:
                if _TAG.fullmatch(word):
                    tag = word
                    continue
                first, dash, last = word.partition("-")
                self._add_interval((source, tag), int(first), int(last if dash else first))

    def _add_interval(self, source: tuple[str, str], first: int, last: int) -> None:
        if not 0 < first <= last <= _MOST:
            raise ValueError(f"{first}-{last} is not a GTID interval")
        known = self._intervals.setdefault(source, [])
        if known and known[-1][1] + 1 == first:  # as they come in a log
            known[-1] = (known[-1][0], last)
            return
        known.append((first, last))
        known.sort()
        merged = [known[0]]
        for low, high in known[1:]:
            if low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        self._intervals[source] = merged

    def add(self, server: str, number: int, tag: str = "") -> None:
        """Adds one transaction."""
        self._add_interval((server, tag), number, number)

    def add_all(self, server: str, first: int, last: int, tag: str = "") -> None:
        """Adds transactions one after the other, both ends included."""
        self._add_interval((server, tag), first, last)

    def update(self, other: GtidSet) -> None:
        """Adds all transactions of another set."""
        for source, first, last in other:
            self._add_interval(source, first, last)

    def has(self, server: str, number: int, tag: str = "") -> bool:
        """Whether one transaction is in it."""
        known = self._intervals.get((server, tag), ())
        return any(first <= number <= last for first, last in known)

    def missing_in(self, other: GtidSet) -> GtidSet:
        """The part of it that is not in another set."""
        left = GtidSet()
        for source, first, last in self:
            for low, high in other._intervals.get(source, ()):
                if low > last:
                    break
                if high >= first:
                    if low > first:
                        left._add_interval(source, first, low - 1)
                    first = high + 1
            if first <= last:
                left._add_interval(source, first, last)
        return left

    def __iter__(self) -> Iterator[tuple[tuple[str, str], int, int]]:
        for source in sorted(self._intervals):
            for first, last in self._intervals[source]:
                yield source, first, last

    def __bool__(self) -> bool:
        return bool(self._intervals)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GtidSet) and self._intervals == other._intervals

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        parts: dict[str, list[str]] = {}
        for (server, tag), intervals in sorted(self._intervals.items()):
            words = parts.setdefault(server, [])
            if tag:
                words.append(tag)
            words += [f"{a}-{b}" if a != b else str(a) for a, b in intervals]
        return ",".join(":".join((server, *words)) for server, words in parts.items())

    def encoded(self) -> bytes:
        """The set as COM_BINLOG_DUMP_GTID takes it; with tags, as MySQL 8.3 and later do."""
        tagged = any(tag for _, tag in self._intervals)
        count = len(self._intervals)
        # The format's number is in the first and in the last byte of the count.
        parts = [struct.pack("<Q", (1 << 56) | (count << 8) | 1 if tagged else count)]
        for (server, tag), intervals in sorted(self._intervals.items()):
            parts.append(uuid.UUID(server).bytes)
            if tagged:
                parts += [bytes([len(tag) << 1]), tag.encode()]
            parts.append(struct.pack("<Q", len(intervals)))
            parts += [struct.pack("<QQ", first, last + 1) for first, last in intervals]
        return b"".join(parts)

    @classmethod
    def decoded(cls, data: bytes) -> GtidSet:
        """Reads what `encoded` writes, which is also what a file of the log begins with.

        Raises:
            ValueError: It is something else.
        """
        found, at = cls(), 8
        try:
            (head,) = struct.unpack_from("<Q", data)
            tagged = bool(head >> 56)
            for _ in range(head >> 8 & 2**48 - 1 if tagged else head):
                server, tag = str(uuid.UUID(bytes=data[at : at + 16])), ""
                at += 16
                if tagged:
                    size = data[at] >> 1
                    tag = data[at + 1 : at + 1 + size].decode("ascii")
                    at += 1 + size
                (count,) = struct.unpack_from("<Q", data, at)
                at += 8
                for _ in range(count):
                    first, behind = struct.unpack_from("<QQ", data, at)
                    at += 16
                    found._add_interval((server, tag), first, behind - 1)
        except (struct.error, IndexError) as error:
            raise ValueError("no set of GTIDs") from error
        return found


class GtidList:
    """MariaDB's position: of each domain its last transaction.

    Args:
        text: As ``gtid_binlog_pos`` writes it: domain-server-number, separated by commas.

    Raises:
        ValueError: It is something else.
    """

    def __init__(self, text: str = "") -> None:
        self._last: dict[int, tuple[int, int]] = {}
        for part in filter(None, text.replace(" ", "").split(",")):
            domain, server, number = map(int, part.split("-"))
            if domain in self._last:
                raise ValueError(f"{text!r} has a domain twice")
            self.add(domain, server, number)

    def add(self, domain: int, server: int, number: int) -> None:
        """Notes a domain's next transaction."""
        self._last[domain] = (server, number)

    @classmethod
    def decoded(cls, data: bytes) -> GtidList:
        """Reads what a file of the log begins with: all servers of each domain, the last one last.

        Raises:
            ValueError: It is something else.
        """
        found = cls()
        try:
            (head,) = struct.unpack_from("<I", data)
            for number in range(head & 2**28 - 1):
                found.add(*struct.unpack_from("<IIQ", data, 4 + 16 * number))
        except struct.error as error:
            raise ValueError("no list of GTIDs") from error
        return found

    def reaches(self, other: GtidList) -> bool:
        """Whether it is at least as far as another list, in each domain of that list."""
        return all(
            self._last.get(domain, (0, -1))[1] >= number
            for domain, (_, number) in other._last.items()
        )

    def __str__(self) -> str:
        return ",".join(f"{domain}-{s}-{n}" for domain, (s, n) in sorted(self._last.items()))
