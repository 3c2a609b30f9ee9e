"""What COPY says of the rows that it refused, without the rows.

https://docs.aws.amazon.com/redshift/latest/dg/r_STL_LOAD_ERRORS.html (provisioned clusters),
https://docs.aws.amazon.com/redshift/latest/dg/SYS_LOAD_ERROR_DETAIL.html (serverless, too).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tidemark_core.errors import WarehouseError
from tidemark_core.names import TableName
from tidemark_core.redshift.connection import WarehouseConnection
from tidemark_core.redshift.errors import QueryError
from tidemark_core.text.printable import key_text

from target_redshift.model.schema_drift import rebuild_hint

_SHOWN = 10
#: Rejects of the load whose files these are; binds the files' common prefix.
_STL = (
    "SELECT trim(filename), line_number, trim(colname), trim(type), trim(err_reason), "
    "trim(raw_line) FROM stl_load_errors WHERE trim(filename) LIKE ? "
    f"ORDER BY starttime DESC LIMIT {_SHOWN}"
)
_SYS = (
    "SELECT trim(file_name), line_number, trim(column_name), trim(column_type), "
    "trim(error_message), NULL FROM sys_load_error_detail WHERE trim(file_name) LIKE ? "
    f"ORDER BY start_time DESC LIMIT {_SHOWN}"
)


@dataclass(frozen=True)
class Reject:
    """One refused row.

    Attributes:
        file: URL of the part.
        line: Line in the part.
        column: Column in the warehouse.
        type: Its type.
        reason: Why it was refused.
        key: The row's primary key, as far as it could be read.
    """

    file: str
    line: int
    column: str
    type: str
    reason: str
    key: str | None

    def __str__(self) -> str:
        key = f", key {self.key}" if self.key else ""
        return (
            f"{self.file.rsplit('/', 1)[-1]} line {self.line}, column {self.column} "
            f"({self.type}){key}: {self.reason}"
        )


def find_rejects(
    connection: WarehouseConnection, files: str, columns: Sequence[str], keys: Sequence[str]
) -> list[Reject]:
    """Asks the warehouse for the rejects of one load.

    Args:
        connection: A session outside any transaction.
        files: The common prefix of the names of the load's files.
        columns: The parts' columns, in order.
        keys: Those of the primary key.
    """
    # LIKE's own wildcards in the prefix match themselves among others, which is good enough
    # here: every load has a folder of its own.
    pattern = files + "%"
    for query in (_STL, _SYS):
        try:
            rows = connection.execute(query, [pattern], what="the list of refused rows")
        except QueryError:
            continue
        if rows:
            return [_reject(row, columns, keys) for row in rows]
    return []


def _reject(row: tuple[Any, ...], columns: Sequence[str], keys: Sequence[str]) -> Reject:
    file, line, column, kind, reason, raw = row
    return Reject(
        str(file), int(line or 0), str(column), str(kind), str(reason), key_of(raw, columns, keys)
    )


def key_of(raw: str | None, columns: Sequence[str], keys: Sequence[str]) -> str | None:
    """Reads the key out of a refused line, which may be cut off; nothing else of it is shown."""
    if not raw or not keys:
        return None
    try:
        fields = next(csv.reader([raw]))
    except (csv.Error, StopIteration):
        return None
    found = dict(zip(columns, fields[:-1], strict=False))
    if any(key not in found for key in keys):
        return None
    return key_text({key: found[key] for key in keys})


def rejected(table: TableName, rejects: Sequence[Reject], cause: QueryError) -> WarehouseError:
    """The error that an operator sees when COPY refused rows."""
    if not rejects:
        return cause
    first = rejects[0]
    lines = "".join(f"\n  {reject}" for reject in rejects)
    return WarehouseError(
        f"COPY refused rows, so nothing was loaded:{lines}",
        table=table,
        column=first.column,
        key=first.key,
        hint="correct the row in the source, or exclude the column with a select rule, then: "
        + rebuild_hint(table),
    )
