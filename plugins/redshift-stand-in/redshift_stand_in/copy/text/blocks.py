"""A stream of CSV or delimited text, cut into blocks of whole records."""

from __future__ import annotations

import codecs
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeVar, cast

import numpy as np

BLOCK_BYTES = 8 << 20
#: A record may be 4 MB long in Redshift; one that does not end within this is broken.
MAX_RECORD_BYTES = 64 << 20

T = TypeVar("T")


@dataclass(frozen=True)
class Block:
    """Whole records.

    Attributes:
        data: their bytes.
        line: number of the first of its lines in the file, from 1.
    """

    data: bytes
    line: int


def cut(
    stream: BinaryIO,
    quote: str | None,
    skip_lines: int,
    size: int = BLOCK_BYTES,
    escape: str | None = None,
) -> Iterator[Block]:
    """Cuts a stream after the last record that ends in each piece read.

    Args:
        stream: decompressed UTF-8.
        quote: a newline between two of these belongs to the field; None when fields are not quoted.
        skip_lines: lines at the start that are not records.
        size: bytes read at a time.
        escape: a newline after this belongs to the field.

    Yields:
        Blocks; the last one may end without a newline.
    """
    line, rest = 1, b""
    while True:
        piece = stream.read(size)
        data = rest + piece
        while skip_lines and b"\n" in data:
            data = data[data.index(b"\n") + 1 :]
            skip_lines -= 1
            line += 1
        if skip_lines:
            rest = data
            if not piece:
                return
            continue
        if not piece:
            if data:
                yield Block(data, line)
            return
        behind = _record_end(data, quote, escape)
        if behind == 0 and len(data) > MAX_RECORD_BYTES:
            behind = data.rfind(b"\n") + 1
        if behind:
            yield Block(data[:behind], line)
            line += data.count(b"\n", 0, behind)
        rest = data[behind:]


def _record_end(data: bytes, quote: str | None, escape: str | None) -> int:
    """The offset after the last newline that ends a record; 0 when there is none."""
    at = len(data)
    mark = quote.encode() if quote else None
    quotes = data.count(mark) if mark else 0
    while True:
        newline = data.rfind(b"\n", 0, at)
        if newline < 0:
            return 0
        if mark:
            quotes -= data.count(mark, newline, at)
        escaped = escape and data[newline - 1 : newline] == escape.encode()
        if quotes % 2 == 0 and not escaped:
            return newline + 1
        at = newline


def is_plain(data: bytes, quote: str | None, delimiter: str) -> bool:
    """Whether a common CSV reader reads a block as Redshift does.

    It does not if there is: NUL; a carriage return that no newline follows; a quote that neither
    begins nor ends a field, or that no other one closes, or white space between a quote and a
    delimiter, which Redshift ignores; a byte order mark.
    """
    if b"\0" in data or data.startswith(codecs.BOM_UTF8) or data.endswith(b"\r"):
        return False
    octets = np.frombuffer(data, dtype=np.uint8)
    if b"\r" in data:
        following = _neighbour(octets, np.flatnonzero(octets == 13), 1)
        if (following != 10).any():
            return False
    if not quote or quote.encode() not in data:
        return True
    places = np.flatnonzero(octets == ord(quote))
    if len(places) % 2:
        return False
    edge = np.zeros(256, dtype=bool)
    edge[[ord(quote), ord(delimiter), 10, 13]] = True
    inner = ~edge[_neighbour(octets, places, -1)] & ~edge[_neighbour(octets, places, 1)]
    return not inner.any()


def _neighbour(octets: np.ndarray, places: np.ndarray, step: int) -> np.ndarray:
    """The bytes next to some places; a newline beyond the ends."""
    at = places + step
    inside = (at >= 0) & (at < len(octets))
    found = np.full(len(places), 10, dtype=np.uint8)
    found[inside] = octets[at[inside]]
    return found


def ahead(make: Callable[[], Iterator[T]], depth: int = 2) -> Iterator[T]:
    """Runs an iterator in a thread of its own, a few items ahead of its reader.

    Args:
        make: makes the iterator; it is called in the thread.
        depth: how many items may wait.

    Raises:
        Exception: what the iterator raised.
    """
    items: queue.Queue[tuple[str, T | BaseException | None]] = queue.Queue(depth)
    stop = threading.Event()

    def put(kind: str, item: T | BaseException | None) -> None:
        while not stop.is_set():
            try:
                items.put((kind, item), timeout=0.1)
            except queue.Full:
                continue
            return

    def work() -> None:
        iterator = make()
        try:
            for item in iterator:
                put("item", item)
                if stop.is_set():
                    break
            put("end", None)
        except BaseException as error:  # noqa: BLE001 - raised again where the items are taken
            put("error", error)
        finally:
            close = getattr(iterator, "close", None)
            if close:
                close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            kind, item = items.get()
            if kind == "end":
                return
            if kind == "error":
                raise cast("BaseException", item)
            yield cast("T", item)
    finally:
        stop.set()
        thread.join()
