"""MySQL result sets as Arrow record batches, straight from the packets."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pymysql

from mysql_arrow.errors import ChangedValueError, ProtocolError, UnfitError, WrongTypeError
from mysql_arrow.result import INVALID_UTF8, ZERO_DATE, Change, Result
from mysql_arrow.wire import Heard

__all__ = [
    "INVALID_UTF8",
    "ZERO_DATE",
    "Change",
    "ChangedValueError",
    "ProtocolError",
    "Result",
    "UnfitError",
    "WrongTypeError",
    "query",
]


def query(
    connection: pymysql.Connection[Any],
    sql: str,
    schema: pa.Schema | None = None,
    *,
    batch_rows: int = 65_536,
    batch_bytes: int = 16 * 2**20,
    cut_rows: int | None = None,
    strict: bool = False,
    heard: Heard | None = None,
) -> Result:
    """Runs a query, and gives its rows batch by batch, as they come.

    Nothing else may use the connection until the last batch has been given; if the caller stops
    before that, or after an error other than the server's own, it is closed.

    Args:
        connection: A PyMySQL connection whose ``charset`` is utf8mb4.
        sql: A statement without parameters that gives rows.
        schema: Names and types of the columns, by position; None: each column's own.
        batch_rows: Rows of a batch, at most.
        batch_bytes: Bytes of a batch, at most, except that it has at least one row.
        cut_rows: A batch ends at every multiple of this many rows; None for anywhere.
        strict: Whether a value that has no Arrow form ends the query, in place of being changed and
            reported in ``changes``.
        heard: Called with the number of bytes of each read, at least five times a second, with 0
            while nothing comes; ends the query by raising. None: the connection's
            ``read_timeout`` does.

    Raises:
        pymysql.err.MySQLError: The server refused, or the connection is lost.
        ProtocolError: The server does not speak MySQL's protocol.
        WrongTypeError: A column has a type that its type in the schema cannot hold.
        ValueError: The statement has parameters, gives no rows, or not the schema's columns.
    """
    return Result(
        connection,
        sql,
        schema,
        batch_rows=batch_rows,
        batch_bytes=batch_bytes,
        cut_rows=cut_rows,
        strict=strict,
        heard=heard,
    )
