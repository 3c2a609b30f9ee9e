"""Local files that BATCH messages name."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader

import pyarrow as pa
import pyarrow.parquet as pq
from tidemark_core.errors import LakeError
from tidemark_core.names import TableName


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
            hint="run tap and target on one machine, and let nobody clean the tap's folder",
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise LakeError(f"{path!r} of a BATCH message is no regular file", table=table)
    with os.fdopen(descriptor, "rb") as file:
        yield file


def open_parquet(file: BufferedReader, name: str, table: TableName) -> pq.ParquetFile:
    """Reads the footer of an open file.

    Raises:
        LakeError: It is no whole Parquet file.
    """
    try:
        return pq.ParquetFile(pa.PythonFile(file, "r"))
    except (pa.ArrowException, OSError) as error:
        raise LakeError(
            f"{name} is not a whole Parquet file: {error}",
            table=table,
            hint="run again: the tap writes it anew",
        ) from error
