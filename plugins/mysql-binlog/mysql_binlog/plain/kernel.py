"""Python bindings of the C kernel; independent of table names and of sockets."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from typing import Any

from mysql_binlog.plain import libzstd
from mysql_binlog.plain.expanded import Expanded
from mysql_binlog.plain.state import (
    KEY_COLUMNS,
    NULL_SIZE,
    SLOTS,
    Begun,
    GtidsStruct,
    State,
    TableStruct,
)

_ABI = 3
_LIBRARY = "_mysql_binlog_kernel"
#: Bytes of keys that are returned at once.
_ROOM = 2**20
#: Longer table maps are compared in Python.
_LONGEST_MAP = 2**16


@dataclass(frozen=True)
class Gtids:
    """Consecutive transactions of one server.

    Attributes:
        server: MySQL: the UUID; MariaDB: the domain and the server's id, of four bytes each.
        first: The first one's number.
        last: The last one's.
        tag: MySQL's tag, or "".
    """

    server: bytes
    first: int
    last: int
    tag: str = ""


class PlainTable:
    """A wanted table as it is described to the kernel.

    Args:
        fixed: By column, the bytes of its values, or 0.
        prefix: By column, the bytes of the length before them, or 0.
        places: By key column, its place among the columns.
        codes: By key column, the code of `struct` that reads it, or "".
    """

    def __init__(
        self, fixed: Sequence[int], prefix: Sequence[int], places: Sequence[int],
        codes: Sequence[str],
    ) -> None:  # fmt: skip
        #: Reads one key at once; None: the values have their lengths before them.
        self.key: struct.Struct | None = None
        if all(codes):
            self.key = struct.Struct("<" + "".join(codes))
        size = sum(fixed[place] for place in places)
        if self.key is not None and (any(prefix[p] for p in places) or self.key.size != size):
            raise ValueError("a key's numbers have other lengths in the log")
        columns = len(fixed)
        self._fixed = (ctypes.c_uint32 * columns)(*fixed)
        self._prefix = (ctypes.c_uint8 * columns)(*prefix)
        self._place = (ctypes.c_uint8 * columns)()
        for number, place in enumerate(places):
            self._place[place] = number + 1
        arrays = (ctypes.addressof(each) for each in (self._fixed, self._prefix, self._place))
        self._table = TableStruct(0, columns, len(places), self.key is not None, *arrays)

    @staticmethod
    def can_be(places: Sequence[int]) -> bool:
        """Whether the kernel can return such a key."""
        return len(set(places)) == len(places) <= KEY_COLUMNS

    def told_by(self, number: int) -> int:
        """Sets the number that its keys are returned with; returns the address of its struct."""
        self._table.id = number
        return ctypes.addressof(self._table)


def values(data: bytes, count: int, columns: int) -> Iterator[list[bytes | None]]:
    """The keys of a table whose `PlainTable.key` is None, each as its columns' bytes."""
    at = 0
    for _ in range(count):
        key: list[bytes | None] = []
        for _ in range(columns):
            size = int.from_bytes(data[at : at + 4], "little")
            at += 4
            if size == NULL_SIZE:
                key.append(None)
            else:
                key.append(data[at : at + size])
                at += size
        yield key


class Kernel:
    """Reads plain events; the results are in its state, and in its records."""

    def __init__(self) -> None:
        self._library = library()
        #: Where the reading is; see ``mb_state``.
        self.state = State()
        self._out = (ctypes.c_uint8 * _ROOM)()
        self._told = memoryview(self._out).cast("B")
        self.state.out, self.state.out_room = ctypes.addressof(self._out), _ROOM
        self._expanded = Expanded()
        self._expanded.lend(self.state)
        libzstd.lend(self.state, self)
        self._used = ctypes.c_size_t()
        self._tables: list[PlainTable] = []
        self._numbers: dict[PlainTable, int] = {}

    def forget(self) -> None:
        """Forgets what the numbers of tables mean."""
        ctypes.memset(self.state.slot, 0, ctypes.sizeof(self.state.slot))
        self._tables.clear()
        self._numbers.clear()

    def forget_number(self, number: int) -> None:
        """Forgets what a number means: its rows are not plain."""
        self.state.slot[number % SLOTS].body = None

    def describe(self, number: int, body: bytes, table: PlainTable | None) -> None:
        """Tells the kernel what a table's number means.

        Args:
            number: The number.
            body: What follows the number and the flags in its table map.
            table: How its rows are laid out; None if they are not wanted.
        """
        slot = self.state.slot[number % SLOTS]
        if len(body) > _LONGEST_MAP:
            self.forget_number(number)
            return
        slot.number, slot.body, slot.size, slot.table = number, body, len(body), None
        if table is not None:
            if table not in self._numbers:
                self._numbers[table] = len(self._tables)
                self._tables.append(table)
            slot.table = table.told_by(self._numbers[table])

    def run(self, data: memoryview) -> int:
        """Reads plain packets; earlier results are dropped.

        Returns:
            How many bytes were read, of whole packets only.
        """
        state = self.state
        state.runs = state.records = state.keys = state.out_size = 0
        state.has_passed = state.begun = Begun.NONE
        begin = ctypes.c_uint8.from_buffer(data)
        arguments = ctypes.byref(state), ctypes.byref(begin), len(data), ctypes.byref(self._used)
        self._expanded.run(data, partial(self._library.mb_run, *arguments))
        return self._used.value

    def gtids(self) -> Iterator[Gtids]:
        """The transactions that began and ended in the run."""
        yield from map(_gtids, self.state.run[: self.state.runs])

    def open_gtid(self) -> Gtids:
        """The GTID of the open transaction, which must be `Begun.NUMBERED`."""
        return _gtids(self.state.gtid)

    def records(self) -> Iterator[tuple[PlainTable, int, int, memoryview]]:
        """By table: it; 0, 1 or 2 for write, update, delete; the number of keys; their bytes."""
        for n in range(self.state.records):
            each = self.state.record[n]
            yield self._tables[each.table], each.kind, each.count, self._told[each.begin : each.end]


def _gtids(found: GtidsStruct) -> Gtids:
    tag = bytes(found.tag)[: found.tag_size].decode("ascii", errors="replace")
    return Gtids(bytes(found.server), found.first, found.last, tag)


@cache
def library() -> Any:
    """The compiled kernel.

    Raises:
        ImportError: It is not there, or is another version's.
    """
    # Found like a Python module, without being one.
    spec = find_spec(_LIBRARY)
    if spec is None or spec.origin is None:
        raise ImportError(f"{_LIBRARY} is not installed: reinstall tidemark-mysql-binlog")
    loaded = ctypes.CDLL(spec.origin)
    if loaded.mb_abi() != _ABI:
        raise ImportError(f"{spec.origin} is of a different version: reinstall it")
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    loaded.mb_size.restype, loaded.mb_size.argtypes = size, []
    if loaded.mb_size() != ctypes.sizeof(State):
        raise ImportError(f"{spec.origin} was built for another machine: reinstall it")
    loaded.mb_run.restype = ctypes.c_int
    loaded.mb_run.argtypes = [pointer, pointer, size, ctypes.POINTER(size)]
    return loaded
