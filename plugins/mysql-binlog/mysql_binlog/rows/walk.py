"""From the rows of an event to the keys in them, skipping all else by its length.

The rows of a table mostly have the same columns NULL. For each such pattern there is a plan: how
far to go to the next value that has a length of its own, and where the key's values are. An event
that lies in memory is walked by these plans; `stream_rows` does the same for one that is too large.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mysql_binlog.errors import DamagedLog, UnreadableChange
from mysql_binlog.events.source import Reader
from mysql_binlog.model import Key
from mysql_binlog.rows.table_map import TableMap, Type, Width
from mysql_binlog.rows.values import Decode


@dataclass(frozen=True)
class Layout:
    """A table's rows.

    Attributes:
        table: For messages.
        widths: How long the values of each column are.
        places: By key column, its place among them.
        decoders: By key column, the function that makes its value.
        codes: By key column, the code of `struct` that does the same by itself, or "".
        json: Places of JSON columns, which events of partial updates treat in their own way.
    """

    table: str
    widths: tuple[Width, ...]
    places: tuple[int, ...]
    decoders: tuple[Decode, ...]
    codes: tuple[str, ...]
    json: tuple[int, ...]

    @classmethod
    def of(
        cls, logged: TableMap, places: tuple[int, ...], decoders: Sequence[Decode],
        codes: Sequence[str],
    ) -> Layout:  # fmt: skip
        """Makes it from a table map."""
        return cls(
            f"{logged.schema}.{logged.name}",
            tuple(column.width for column in logged.columns),
            places,
            tuple(decoders),
            tuple(codes),
            tuple(n for n, column in enumerate(logged.columns) if column.type is Type.JSON),
        )


#: Walks one image: data, where its values begin; gives the key's values and where the next begins.
Plan = Callable[[bytes, int], tuple[Key, int]]


class Images:
    """Walks images of rows that have the same columns.

    Args:
        layout: The table's.
        present: Bit by bit, which columns are in the image.
    """

    def __init__(self, layout: Layout, present: bytes) -> None:
        self._layout = layout
        self.columns = [n for n in range(len(layout.widths)) if present[n >> 3] >> (n & 7) & 1]
        self.bitmap = (len(self.columns) + 7) // 8
        self._plans: dict[bytes, Plan] = {}
        there = set(self.columns)
        #: By key column, whether it is in the image.
        self.has = tuple(place in there for place in layout.places)
        self.whole = all(self.has)

    def plan(self, nulls: bytes) -> Plan:
        """The plan for a pattern of NULLs."""
        plan = self._plans.get(nulls)
        if plan is None:
            if len(self._plans) > 4096:  # as many as there are rows: no use to keep them
                self._plans.clear()
            plan = self._plans[nulls] = _plan(self._layout, self._present(nulls))
        return plan

    def _present(self, nulls: bytes) -> list[int]:
        """The columns that have a value in the image."""
        return [
            column
            for at, column in enumerate(self.columns)
            if not nulls[at >> 3] >> (at & 7) & 1
        ]  # fmt: skip

    def stream(self, reader: Reader, partial: frozenset[int] = frozenset()) -> Key:
        """Walks one image from a stream.

        Args:
            reader: At the image's NULL bits.
            partial: Columns of which only the differences follow.
        """
        nulls = reader.take(self.bitmap)
        values: dict[int, Any] = dict.fromkeys(self._layout.places)
        for column in self._present(nulls):
            width = self._layout.widths[column]
            size = reader.number(width.prefix) if width.prefix else width.fixed
            if column in values and column not in partial:
                at = self._layout.places.index(column)
                values[column] = self._layout.decoders[at](reader.take(size))
            else:
                reader.skip(size)
        return tuple(values[place] for place in self._layout.places)


def _plan(layout: Layout, columns: Sequence[int]) -> Plan:
    """Makes the plan for images that have values of these columns."""
    steps: list[tuple[int, int]] = []  # how far to the next length, and its size
    wanted: dict[int, tuple[int, int, Width]] = {}  # by place: after which step, how far, how long
    fixed = 0
    for column in columns:
        width = layout.widths[column]
        if column in layout.places:
            wanted[column] = (len(steps), fixed, width)
        if width.prefix:
            steps.append((fixed, width.prefix))
            fixed = 0
        else:
            fixed += width.fixed
    if (simple := _struct(layout, wanted)) is not None:
        return _simple_plan(simple, steps, fixed)
    return _any_plan(layout, wanted, steps, fixed)


def _struct(layout: Layout, wanted: dict[int, tuple[int, int, Width]]) -> struct.Struct | None:
    """Reads the whole key at once: its columns are numbers, in their order, before any length."""
    parts, at = ["<"], 0
    for place, code in zip(layout.places, layout.codes, strict=True):
        if not code or place not in wanted:
            return None
        step, start, width = wanted[place]
        if step or start < at:
            return None
        parts.append("x" * (start - at) + code)
        at = start + width.fixed
    return struct.Struct("".join(parts))


def _simple_plan(key: struct.Struct, steps: Sequence[tuple[int, int]], tail: int) -> Plan:
    unpack = key.unpack_from

    def walk(data: bytes, at: int) -> tuple[Key, int]:
        values = unpack(data, at)
        for fixed, prefix in steps:
            at += fixed
            if prefix == 1:
                at += 1 + data[at]
            elif prefix == 2:
                at += 2 + data[at] + (data[at + 1] << 8)
            else:
                at += prefix + int.from_bytes(data[at : at + prefix], "little")
        return values, at + tail

    return walk


def _any_plan(
    layout: Layout, wanted: dict[int, tuple[int, int, Width]], steps: Sequence[tuple[int, int]],
    tail: int,
) -> Plan:  # fmt: skip
    takes = [wanted.get(place) for place in layout.places]
    decoders = layout.decoders

    def walk(data: bytes, at: int) -> tuple[Key, int]:
        starts = [at]
        for fixed, prefix in steps:
            at += fixed
            at += prefix + int.from_bytes(data[at : at + prefix], "little")
            starts.append(at)
        values: list[Any] = []
        for take, decode in zip(takes, decoders, strict=True):
            if take is None:
                values.append(None)
                continue
            step, fixed, width = take
            start = starts[step] + fixed
            if width.prefix:
                size = int.from_bytes(data[start : start + width.prefix], "little")
                start += width.prefix
            else:
                size = width.fixed
            value = data[start : start + size]
            if len(value) != size:
                raise DamagedLog(f"a row of {layout.table} extends past its event")
            values.append(decode(value))
        return tuple(values), at + tail

    return walk


def rows_in_memory(data: bytes, start: int, images: Sequence[Images]) -> Iterator[Key]:
    """The keys of an event's rows.

    Args:
        data: The event, without its checksum.
        start: Where the first row begins.
        images: Of an UPDATE the one before and the one after, else one.

    Raises:
        DamagedLog: The rows are not as long as the event.
        UnreadableChange: An image lacks some of the key's columns.
    """
    end, at = len(data), start
    first, second = images[0], images[-1] if len(images) == 2 else None
    _require(first)
    plans, size, plan = first._plans, first.bitmap, first.plan
    while at < end:
        nulls = data[at : at + size]
        key, at = (plans.get(nulls) or plan(nulls))(data, at + size)
        yield key
        if second is not None:
            after, at = second.plan(data[at : at + second.bitmap])(data, at + second.bitmap)
            if not second.whole:
                after = _filled(after, key, second.has)
            if after != key:
                yield after
    if at != end:
        raise DamagedLog("the rows of an event do not have the event's length")


def _filled(after: Key, before: Key, has: Sequence[bool]) -> Key:
    """A key after the change: what did not change is not logged again."""
    return tuple(a if there else b for a, b, there in zip(after, before, has, strict=True))


def _require(image: Images) -> None:
    if not image.whole:
        raise UnreadableChange(
            f"a row of {image._layout.table} was logged without its key: "
            "SET GLOBAL binlog_row_image = 'FULL'"
        )


def stream_rows(reader: Reader, images: Sequence[Images], *, partial: bool) -> Iterator[Key]:
    """As `rows_in_memory`, from a stream; also rows of partial updates.

    Args:
        reader: At the first row.
        images: As for `rows_in_memory`.
        partial: Whether images after a change may have differences of JSON only.
    """
    _require(images[0])
    while reader.left is None or reader.left:
        key = images[0].stream(reader)
        yield key
        if len(images) == 2:
            changed = _partial(reader, images[1]) if partial else frozenset[int]()
            after = images[1].stream(reader, changed)
            if (after := _filled(after, key, images[1].has)) != key:
                yield after


def _partial(reader: Reader, image: Images) -> frozenset[int]:
    """Which columns of the image have differences only."""
    if not reader.packed() & 1:
        return frozenset()
    columns = image._layout.json
    bits = reader.take((len(columns) + 7) // 8)
    return frozenset(c for at, c in enumerate(columns) if bits[at >> 3] >> (at & 7) & 1)
