"""Rows of RECORD messages on their way into a Parquet file, in bounded memory."""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO, Any

import pyarrow as pa
from tidemark_core.errors import LakeError
from tidemark_singer.record_values import UnfitValueError, first_changed, to_array

from target_s3_parquet.parquet import ROW_GROUP_ROWS, open_writer
from target_s3_parquet.schema import StreamSchema, key_error

#: A row group is written out at this many bytes of Arrow memory, however few its rows.
_ROW_GROUP_BYTES = 64 << 20
NOT_IN_SCHEMA = "not_in_schema"


def to_batch(
    records: Sequence[Mapping[str, Any]],
    schema: StreamSchema,
    conversions: dict[str, Counter[str]],
) -> pa.RecordBatch:
    """Makes a record batch of records; a property that a record lacks is NULL.

    Args:
        records: The ``record`` of each message.
        schema: The stream's.
        conversions: Where changed values are counted, by column and reason.

    Raises:
        LakeError: A value does not fit its column, or a key would be changed; names table,
            column and key.
    """
    arrays = []
    for name, kind in schema.types.items():
        counts: Counter[str] = Counter()
        try:
            values = [record.get(name) for record in records]
            arrays.append(to_array(values, kind, is_text=name in schema.texts, counts=counts))
        except UnfitValueError as error:
            raise LakeError(
                str(error),
                table=schema.table,
                column=name,
                key=_key(records[error.row], schema.key_properties),
                hint="declare the column's real type in the tap's catalog (schema override)",
            ) from error
        if counts and name in schema.key_properties:
            key = _key(records[first_changed(values, kind)], schema.key_properties)
            raise key_error(schema, name, counts, key)
        if counts:
            conversions.setdefault(name, Counter()).update(counts)
    for record in records:
        if len(record) > len(schema.types) or not record.keys() <= schema.types.keys():
            for name in record.keys() - schema.types.keys():
                if record[name] is not None:
                    conversions.setdefault(name, Counter())[NOT_IN_SCHEMA] += 1
    return pa.RecordBatch.from_arrays(arrays, schema=schema.arrow)


def _key(record: Mapping[str, Any], key_properties: Sequence[str]) -> str | None:
    if not key_properties:
        return None
    return ", ".join(f"{name}={record.get(name)}" for name in key_properties)


class Memory:
    """What the files that are being made hold in memory together.

    However many tables and days come at once, it is no more than ``limit`` bytes of Arrow memory
    and one batch: then the file that holds most writes it out, as a smaller row group.
    """

    def __init__(self, limit: int = 2 * _ROW_GROUP_BYTES) -> None:
        self._limit = limit
        self._files: set[RowFile] = set()

    def enter(self, file: RowFile) -> None:
        """Counts a file from now on."""
        self._files.add(file)

    def leave(self, file: RowFile) -> None:
        """Counts it no longer."""
        self._files.discard(file)

    @property
    def held(self) -> int:
        """Bytes that wait to be written."""
        return sum(file.waiting for file in self._files)

    def keep_bounded(self) -> None:
        """Writes out what is too much.

        Raises:
            LakeError: The disk is full.
        """
        while self.held > self._limit:
            max(self._files, key=lambda file: file.waiting).flush()


class RowFile:
    """A Parquet file being made in a nameless temporary file, which no crash leaves behind.

    Args:
        schema: The stream's.
        temp_dir: Where temporary files live; None: the system's place.
        memory: Shared with the other files that are being made.

    Attributes:
        rows: Rows in it so far.
        waiting: Bytes of Arrow memory that wait to be written.
    """

    def __init__(self, schema: StreamSchema, temp_dir: str | None, memory: Memory) -> None:
        self._schema = schema
        self._memory = memory
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=temp_dir)  # noqa: SIM115
        try:
            self._writer = open_writer(self._file, schema.arrow)
        except OSError as error:
            self._file.close()
            raise disk_error(error, schema) from error
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self.waiting = 0
        self.rows = 0
        memory.enter(self)

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes a batch; writes a row group when enough has come together."""
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self.waiting += batch.nbytes
        self.rows += batch.num_rows
        if self._waiting_rows >= ROW_GROUP_ROWS or self.waiting >= _ROW_GROUP_BYTES:
            self.flush()
        self._memory.keep_bounded()

    def flush(self) -> None:
        """Writes what waits in memory as a row group.

        Raises:
            LakeError: The disk is full.
        """
        if not self._waiting:
            return
        try:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema.arrow))
        except OSError as error:
            raise disk_error(error, self._schema) from error
        self._waiting, self._waiting_rows, self.waiting = [], 0, 0

    def finish(self) -> IO[bytes]:
        """Closes the Parquet file and gives it, open, to be uploaded."""
        self.flush()
        try:
            self._writer.close()
            self._file.flush()
        except OSError as error:
            raise disk_error(error, self._schema) from error
        return self._file

    def drop(self) -> None:
        """Lets go of everything, finished or not. Never raises."""
        self._memory.leave(self)
        with contextlib.suppress(OSError):
            self._writer.close()
        self._writer.is_open = False  # else it tries once more when it is collected
        with contextlib.suppress(OSError):
            self._file.close()


def disk_error(error: OSError, schema: StreamSchema) -> LakeError:
    """Says what to do when a temporary file cannot be written."""
    return LakeError(
        f"a temporary file cannot be written: {error.strerror or error}",
        table=schema.table,
        hint="free disk space, or set S3_TEMP_DIR to a folder with room",
    )
