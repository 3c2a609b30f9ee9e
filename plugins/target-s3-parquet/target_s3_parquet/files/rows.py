"""Rows of RECORD messages on their way into a Parquet file, in bounded memory."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import pyarrow as pa
from tidemark_core.errors import LakeError
from tidemark_core.host.temporary_folder import writing
from tidemark_core.lake.parquet_writer import GROUP_BYTES, ParquetFileWriter
from tidemark_core.text.documents import Json
from tidemark_core.types.conversions import Conversions, Reason
from tidemark_singer.records.batch import ChangedKeyError, RecordError, RecordShape

from target_s3_parquet.files.schema import StreamSchema, key_error


def to_batch(
    records: Sequence[Json],
    schema: StreamSchema,
    conversions: Conversions,
) -> pa.RecordBatch:
    """Makes a record batch of records; a property that a record lacks is NULL.

    Args:
        records: The ``record`` of each message.
        schema: The stream's.
        conversions: Where changed values are counted.

    Raises:
        LakeError: A value does not fit its column, or a key would be changed; names table,
            column and key.
    """
    shape = RecordShape(schema.types, schema.texts, schema.key_properties)
    try:
        batch = shape.batch(records, conversions)
    except ChangedKeyError as error:
        raise key_error(schema, error.column, [str(error)], error.key) from None
    except RecordError as error:
        raise LakeError(
            str(error),
            table=schema.table,
            column=error.column,
            key=error.key,
            hint="declare the column's real type in the tap's catalog (schema override)",
        ) from None
    _count_unnamed(records, schema, conversions)
    return batch


def _count_unnamed(records: Sequence[Json], schema: StreamSchema, conversions: Conversions) -> None:
    for record in records:
        if len(record) > len(schema.types) or not record.keys() <= schema.types.keys():
            for name in record.keys() - schema.types.keys():
                if record[name] is not None:
                    conversions.count(name, Reason.NOT_IN_SCHEMA)


class Memory:
    """The memory that all files being made hold together.

    However many tables and days come at once, it is no more than ``limit`` bytes of Arrow memory
    and one batch: above that, the file that holds most writes a smaller row group.
    """

    def __init__(self, limit: int = 4 * GROUP_BYTES) -> None:
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
        """Writes out what exceeds the limit.

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
    """

    def __init__(self, schema: StreamSchema, temp_dir: str | None, memory: Memory) -> None:
        self._schema = schema
        self._memory = memory
        self._temp_dir = temp_dir
        with self._disk():
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=temp_dir)  # noqa: SIM115
        self._parquet = ParquetFileWriter(self._file, schema.arrow)
        memory.enter(self)

    @property
    def rows(self) -> int:
        """Rows in it so far."""
        return self._parquet.rows

    @property
    def waiting(self) -> int:
        """Bytes of Arrow memory that wait to be written."""
        return self._parquet.waiting

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes a batch; writes a row group when enough has come together.

        Raises:
            LakeError: The disk is full.
        """
        with self._disk():
            self._parquet.write(batch)
        self._memory.keep_bounded()

    def flush(self) -> None:
        """Writes what waits in memory as a row group.

        Raises:
            LakeError: The disk is full.
        """
        with self._disk():
            self._parquet.flush()

    def finish(self) -> IO[bytes]:
        """Completes the Parquet file and returns it, still open, to be uploaded.

        Raises:
            LakeError: The disk is full.
        """
        with self._disk():
            self._parquet.close()
            self._file.flush()
        return self._file

    def drop(self) -> None:
        """Gives everything up, finished or not. Never raises."""
        self._memory.leave(self)
        self._parquet.abandon()
        with contextlib.suppress(OSError):
            self._file.close()

    def _disk(self) -> AbstractContextManager[None]:
        folder = Path(self._temp_dir) if self._temp_dir else None
        return writing(folder, table=self._schema.table, setting="S3_TEMP_DIR")
