"""Reads rows by their keys into files: existing ones as rows, missing ones as tombstones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tap_mysql.query.sql import Key, Range, by_keys
from tap_mysql.reading.parquet_file import FinishedFile
from tap_mysql.reading.range_reader import Building, Reading
from tap_mysql.source.schema import Column, Table
from tap_mysql.values.key_values import KeyValue, literal

#: Keys of a query: fewer than the thousand from which MariaDB turns an IN into a join. Then bytes
#: of the query's text, and of the rows that it should give, which are in memory together.
_PAGE_KEYS, _PAGE_TEXT, _PAGE_BYTES = 900, 256 * 2**10, 16 * 2**20


@dataclass(frozen=True)
class KeyReader:
    """Reads some rows of a table.

    Attributes:
        reading: How it is read; its converter stamps rows with their read time.
        table: The table.
    """

    reading: Reading
    table: Table

    def files(self, keys: Iterable[Key]) -> Iterator[FinishedFile]:
        """Reads the rows of keys; a key that has none becomes a tombstone.

        Args:
            keys: Values of the primary key's columns.

        Raises:
            SourceError: The server refused, or was unreachable too long, or a value cannot be kept.
            TunnelError: The bastion was unreachable for too long.
            TableChangedError: The table's definition changed, or another server answers.
            Stopped: The run is being stopped; the unfinished file is gone.
        """
        building: Building | None = None
        try:
            for page in pages(self._wanted(keys), self.table.row_bytes):
                if building is None:
                    self.reading.await_room()
                    building = self.reading.new_file()
                for piece in self._page(page, building):
                    building.add(piece, None, ())
                if building.writer.rows >= self.reading.batch_size:
                    finished, building = building, None
                    yield finished.finish()
            if building is not None:
                finished, building = building, None
                yield finished.finish()
        finally:
            if building is not None:
                building.writer.drop()

    def _page(self, page: Sequence[Key], building: Building) -> Iterator[pa.RecordBatch]:
        """The rows of some keys, and the tombstones of the others.

        A row found by another spelling of its key is left out: its own key is in the log too.
        """
        where = by_keys(self.table.primary_key, page)
        converter, asked, found = self.reading.converter, set(page), set[Key]()
        for rows in self.reading.rows_of(Range(self.table.name, (where,))):
            batch = converter.convert(rows, building.conversions)
            names = self.table.primary_key
            own = zip(*(batch.column(name).to_pylist() for name in names), strict=True)
            keys = [self._canonical(key) for key in own]
            found.update(keys)
            yield batch.filter(pa.array([key in asked for key in keys], pa.bool_()))
        gone = [key for key in page if key not in found]
        if gone:
            yield converter.tombstones(gone)

    def _wanted(self, keys: Iterable[Key]) -> list[Key]:
        """The keys in their canonical spelling, each once, neighbours together."""
        return sorted({self._canonical(key) for key in keys})

    def _canonical(self, key: Key) -> Key:
        columns = (self.table.column(name) for name in self.table.primary_key)
        return tuple(_canonical(v, c) for v, c in zip(key, columns, strict=True) if c is not None)


def _canonical(value: KeyValue, column: Column) -> KeyValue:
    """One spelling for values that are one key in the source and in the warehouse."""
    if isinstance(value, str) and column.ignores_trailing_blanks:
        return value.rstrip(" ")
    if isinstance(value, bytes) and column.data_type == "binary":
        return value.ljust(column.mysql.length or 0, b"\0")
    return value


def pages(keys: Iterable[Key], row_bytes: int) -> Iterator[list[Key]]:
    """Cuts keys into pages of one query each.

    Args:
        keys: The keys.
        row_bytes: About the length of a row; 0: unknown.
    """
    most = max(1, min(_PAGE_KEYS, _PAGE_BYTES // max(1, row_bytes)))
    page: list[Key] = []
    text = 0
    for key in keys:
        size = sum(len(literal(value)) for value in key)
        if page and (len(page) >= most or text + size > _PAGE_TEXT):
            yield page
            page, text = [], 0
        page.append(key)
        text += size
    if page:
        yield page
