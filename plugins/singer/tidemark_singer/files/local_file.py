"""Local files that BATCH messages name: opened as what they are, never through a link."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.json import deserialize_json
from tidemark_core.errors import LakeError
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Record

#: Bytes of a line at most; a compressed file of a few kB may hold one that fills the memory.
_LINE_BYTES = 64 * 1024 * 1024


@contextmanager
def open_local(path: str, table: TableName) -> Iterator[BufferedReader]:
    """Opens a regular file, never through a symbolic link, for it is removed afterwards.

    Raises:
        LakeError: There is none, or it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise LakeError(
            f"a BATCH message names the file {path!r}, which cannot be opened: {error}",
            table=table,
            hint="run tap and target on the same machine, and do not clean up the tap's folder",
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise LakeError(f"{path!r} of a BATCH message is not a regular file", table=table)
    with os.fdopen(descriptor, "rb") as file:
        yield file


def read_records(path: str, table: TableName, *, is_gzip: bool) -> Iterator[Record]:
    """Reads a file of JSON lines, one record per line; only one line is in memory.

    Raises:
        LakeError: It cannot be read, or a line of it is not a JSON object, or too long.
    """
    with open_local(path, table) as raw:
        lines = gzip.open(raw) if is_gzip else raw  # noqa: SIM115 - raw is closed here
        number = 0
        try:
            while line := lines.readline(_LINE_BYTES):
                number += 1
                if len(line) == _LINE_BYTES:
                    raise LakeError(
                        f"line {number} of {path!r}, a file of a BATCH message, is longer than "
                        f"{_LINE_BYTES >> 20} MiB",
                        table=table,
                        hint="configure the tap to write parquet",
                    )
                yield _record(line)
        # A line may hold a row: it is counted, not shown.
        except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
            raise LakeError(
                f"line {number} of {path!r}, a file of a BATCH message, is not a record: "
                f"{type(error).__name__}",
                table=table,
                hint="run the tap by itself and inspect its files",
            ) from None


def _record(line: bytes) -> Record:
    record: Any = deserialize_json(line)
    if not isinstance(record, dict):
        raise ValueError("not an object")
    return record
