"""A query and its rows, batch by batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pymysql

from mysql_arrow import packets
from mysql_arrow.columns import Definition, arrow_type, spec
from mysql_arrow.errors import ChangedValueError, ProtocolError, error_of
from mysql_arrow.kernel import Batch, Code, Kernel
from mysql_arrow.wire import Heard, LostError, Wire

ZERO_DATE = "zero_date"
INVALID_UTF8 = "invalid_utf8"
_REASONS = (ZERO_DATE, ZERO_DATE, INVALID_UTF8)
_MORE_RESULTS = 8
#: A tenth of the bytes that an array's offsets can address.
_MOST_BATCH_BYTES = 2**31 // 10


@dataclass(frozen=True)
class Change:
    """Values of a column of a batch that are not what MySQL has.

    Attributes:
        column: Its name.
        reason: `ZERO_DATE`: no calendar has the date, the value is NULL; dates of year 0 and others
            are separate changes. `INVALID_UTF8`: bytes that are not UTF-8 became U+FFFD.
        count: How many.
        row: The first one's row in the batch.
        shown: What the first one was, 4,096 bytes of it at most; bytes that are not UTF-8 as
            backslash escapes.
    """

    column: str
    reason: str
    count: int
    row: int
    shown: str


class Result(Iterator[pa.RecordBatch]):
    """The rows of a query, read on demand.

    Attributes:
        schema: Of the batches.
        changes: Of the batch that was given last.
        rows: Given so far.
        warnings: How many warnings the server has for the query; known at the end.
    """

    def __init__(
        self,
        connection: pymysql.Connection[Any],
        sql: str,
        schema: pa.Schema | None,
        *,
        batch_rows: int,
        batch_bytes: int,
        cut_rows: int | None,
        strict: bool,
        heard: Heard | None,
    ) -> None:
        if connection.charset != "utf8mb4":
            raise ValueError(f"the connection's charset is {connection.charset}, not utf8mb4")
        self._batch_rows = max(1, batch_rows)
        self._cut_rows, self._strict = cut_rows, strict
        self.changes: list[Change] = []
        self.rows = self.warnings = 0
        self._ended = False
        self._begin = self._end = 0
        self._wire = Wire(connection, heard)
        self._statement: int | None = None
        try:
            prepared = self._prepare(sql)
            self._statement = prepared.statement
            definitions = self._execute(prepared)
            self.schema = schema or _schema(definitions)
            specs = _specs(definitions, self.schema)
            most = max(1, min(batch_bytes, _MOST_BATCH_BYTES))
            self._kernel = Kernel(specs, most, self._wire.sequence)
        except LostError:
            self._wire.close()
            raise
        except pymysql.err.MySQLError:
            self._leave()
            raise
        except BaseException:
            self._wire.close()
            raise

    def __next__(self) -> pa.RecordBatch:
        """The next batch.

        Raises:
            pymysql.err.MySQLError: The server ended the query, or the connection is lost.
            ProtocolError: The server does not speak MySQL's protocol.
            UnfitError: A value does not fit the schema.
            ChangedValueError: A value would be changed, and the query is strict.
        """
        if self._ended:
            raise StopIteration
        try:
            batch = self._next()
        except BaseException:
            self.close()
            raise
        if batch is None:
            raise StopIteration
        return batch

    def close(self) -> None:
        """Ends the query; before its last row, this closes the connection too."""
        if not self._ended:
            self._ended = True
            self._wire.close()

    # -- before the rows

    def _prepare(self, sql: str) -> packets.Prepared:
        self._wire.send(packets.prepare(sql))
        prepared = packets.Prepared.read(self._wire.packet())
        # Skipped: the EXECUTE describes the columns as they are by then.
        for count in (prepared.parameters, prepared.columns):
            for _ in range(count + 1 if count else 0):
                self._wire.packet()
        if prepared.parameters:
            raise ValueError("the statement has parameters")
        return prepared

    def _execute(self, prepared: packets.Prepared) -> list[Definition]:
        self._wire.send(packets.execute(prepared.statement))
        count = packets.column_count(self._wire.packet())
        if not count:
            raise ValueError("the statement returns no rows")
        definitions = [packets.definition(self._wire.packet()) for _ in range(count)]
        if not packets.is_eof(self._wire.packet()):
            raise ProtocolError("the column definitions have no end marker")
        return definitions

    # -- the rows

    def _next(self) -> pa.RecordBatch | None:
        code = int(Code.MORE)
        limit = self._limit()
        while code == Code.MORE:
            if self._begin == self._end:
                self._begin, self._end = 0, self._wire.receive()
            code, used = self._kernel.feed(
                self._wire.address + self._begin, self._end - self._begin, limit
            )
            self._begin += used
        batch = self._kernel.take() if code in (Code.BATCH, Code.END) else None
        if code != Code.BATCH:
            self._finish(code)
        return None if batch is None else self._given(batch)

    def _limit(self) -> int:
        if self._cut_rows is None:
            return self._batch_rows
        return min(self._batch_rows, self._cut_rows - self.rows % self._cut_rows)

    def _finish(self, code: int) -> None:
        kernel = self._kernel
        if code == Code.WRONG_SEQUENCE:
            self._wire.out_of_sequence(kernel.wrong_sequence)
        if code < 0:
            column = kernel.wrong_column
            raise error_of(code, self.schema.names[column] if column >= 0 else None, kernel.rows)
        if self._begin < self._end or kernel.status & _MORE_RESULTS:
            raise ProtocolError("data follows the end of the result")
        self._ended = True
        self.warnings = kernel.warnings
        self._leave()
        if code == Code.REFUSED:
            packets.raise_refusal(kernel.refusal)

    def _leave(self) -> None:
        """Gives the connection back; if it is lost meanwhile, its next use reports that."""
        with contextlib.suppress(LostError):
            if self._statement is not None:
                self._wire.send(packets.close(self._statement))
        self._wire.release()

    def _given(self, batch: Batch) -> pa.RecordBatch:
        self.changes = [
            Change(name, _REASONS[found.reason], found.count, found.row,
                   found.shown.decode(errors="backslashreplace"))
            for number, name in enumerate(self.schema.names)
            for found in batch.changed(number)
        ]  # fmt: skip
        if self._strict and self.changes:
            first = min(self.changes, key=lambda change: change.row)
            raise ChangedValueError(first.column, first.reason, self.rows + first.row, first.shown)
        self.rows += batch.rows
        arrays = [_array(batch, number, kind) for number, kind in enumerate(self.schema.types)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _schema(definitions: list[Definition]) -> pa.Schema:
    return pa.schema([pa.field(column.name, arrow_type(column)) for column in definitions])


def _specs(definitions: list[Definition], schema: pa.Schema) -> list[Any]:
    if len(definitions) != len(schema):
        raise ValueError(f"{len(definitions)} columns were received for a schema of {len(schema)}")
    return [spec(column, kind) for column, kind in zip(definitions, schema.types, strict=True)]


def _array(batch: Batch, number: int, kind: pa.DataType) -> pa.Array[Any]:
    found = batch.array(number)
    rows, has_text = batch.rows, pa.types.is_string(kind) or pa.types.is_binary(kind)

    def buffer(address: int | None, size: int) -> pa.Buffer:
        # A buffer keeps the batch alive, which owns its memory.
        return pa.foreign_buffer(address, size, batch) if address else pa.py_buffer(b"")

    validity = buffer(found.validity, (rows + 7) // 8) if found.nulls else None
    width = 4 if has_text else kind.bit_width // 8
    buffers = [validity, buffer(found.values, (rows + has_text) * width)]
    if has_text:
        buffers.append(buffer(found.data, found.data_size))
    return pa.Array.from_buffers(kind, rows, buffers, null_count=found.nulls)
