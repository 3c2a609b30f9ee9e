"""Opens Parquet files, local ones and objects alike; their footers are untrusted input."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from tidemark_core.errors import LakeError

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from tidemark_core.names import TableName

#: Bytes read ahead, so that a footer or a small column is one request.
_BUFFER = 1 << 20
#: Bytes that Arrow reads first, from the end: most footers are within them.
_TAIL = 64 << 10
#: Bytes. No honest footer comes near this; the file itself states its length.
_LARGEST_FOOTER = 64 << 20
_MAGIC = b"PAR1"


def open_parquet(
    file: io.BufferedReader | io.RawIOBase, name: str, table: TableName, hint: str | None = None
) -> pq.ParquetFile:
    """Opens a seekable file as Parquet; reads its footer and no more.

    Args:
        file: It stays open.
        name: What the error calls it.
        table: Whose rows it has.
        hint: What to do when it is not Parquet.

    Raises:
        LakeError: It is not a whole Parquet file, or memory is short.
    """
    # A run that reads no rows does without Arrow.
    import pyarrow as pa
    import pyarrow.parquet as pq

    # An own buffer for an object: a read from it is a request.
    source: io.IOBase = io.BufferedReader(file, _BUFFER) if isinstance(file, io.RawIOBase) else file
    try:
        _check_footer(source)
        return pq.ParquetFile(pa.PythonFile(source, "r"))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise unreadable(name, table, error, hint) from error


def unreadable(name: str, table: TableName, error: Exception, hint: str | None = None) -> LakeError:
    """The error for a file that Arrow cannot read."""
    if isinstance(error, MemoryError):
        return LakeError(
            f"there is not enough memory to read {name}: {error}",
            table=table,
            hint="give the process more memory; the file itself may be intact",
        )
    return LakeError(f"{name} cannot be read as Parquet: {error}", table=table, hint=hint)


def _check_footer(file: Any) -> None:
    """Refuses a footer of gigabytes before it is fetched."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    length = int.from_bytes(tail[-8:-4], "little")
    if tail[-4:] == _MAGIC and length > _LARGEST_FOOTER:
        raise ValueError(f"its footer claims to have {length:,} bytes")
