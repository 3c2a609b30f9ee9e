"""From ConnectorX's batches to batches of the table's own types, changes counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from tidemark_core.errors import SourceError
from tidemark_core.names import TableName
from tidemark_core.types import to_arrow

from tap_mysql.columns import INVALID_TEXT, ZERO_DATE, Plan, decode, flagged
from tap_mysql.decimals import Array

_REASONS = {
    ZERO_DATE: "a date that no calendar has, such as 0000-00-00",
    INVALID_TEXT: "text that is not valid UTF-8",
}
Changed = Callable[[str, str, int], None]


@dataclass(frozen=True)
class Converter:
    """Gives batches their types.

    Attributes:
        table: For messages.
        plans: The columns, in order.
        key: Columns that name a row in messages.
        strict: Whether a value that would be changed stops the read.
    """

    table: TableName
    plans: Sequence[Plan]
    key: tuple[str, ...] = ()
    strict: bool = False
    schema: pa.Schema = field(init=False)

    def __post_init__(self) -> None:
        fields = [pa.field(p.column.name, to_arrow(p.kind)) for p in self.plans]
        object.__setattr__(self, "schema", pa.schema(fields))

    def convert(
        self, batch: pa.RecordBatch, changed: Changed, *, careful: bool = False
    ) -> pa.RecordBatch:
        """Converts a batch.

        Args:
            batch: As the query of `tap_mysql.sql.select` gave it.
            changed: Told of column, reason and number of changed values.
            careful: Whether the query was the careful one.

        Raises:
            SourceError: A value would be changed, and the tap is strict; or one does not fit the
                type that the server declared.
        """
        arrays: list[Array] = []
        findings: list[tuple[Plan, str, list[int]]] = []
        position = 0
        for plan in self.plans:
            values = batch.column(position)
            position += 1
            if careful and plan.is_text:
                values, changes = decode(values)
                findings.append((plan, INVALID_TEXT, changes))
            if careful and plan.flag:
                findings.append((plan, ZERO_DATE, flagged(batch.column(position))))
                position += 1
            try:
                arrays.append(plan.finish(values))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise SourceError(
                    f"MySQL sent {values.type} for a column of type {plan.column.mysql.column_type}"
                    " that does not fit it",
                    table=self.table,
                    column=plan.column.name,
                    hint="report this with the table's SHOW CREATE TABLE",
                ) from error
        finished = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        for plan, reason, rows in findings:
            if rows and self.strict:
                raise SourceError(
                    f"the column holds {_REASONS[reason]}",
                    table=self.table,
                    column=plan.column.name,
                    key=self._row(finished, rows[0]),
                    hint="correct the row, or set BACKUP_STRICT=false to have it counted instead",
                )
            if rows:
                changed(plan.column.name, reason, len(rows))
        return finished

    def _row(self, batch: pa.RecordBatch, row: int) -> str | None:
        if not self.key:
            return None
        return ", ".join(f"{name}={batch.column(name)[row].as_py()}" for name in self.key)


def values_at(batch: pa.RecordBatch, names: Sequence[str], row: int) -> tuple[Any, ...]:
    """Values of some columns in one row, as Python's."""
    return tuple(batch.column(name)[row].as_py() for name in names)
