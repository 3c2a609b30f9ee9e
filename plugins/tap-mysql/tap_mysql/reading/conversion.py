"""Converts received rows to rows of the table; counts or refuses altered values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
from mysql_arrow import Change
from tidemark_core.errors import SourceError
from tidemark_core.names import TableName
from tidemark_core.text.printable import key_text
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import TIMESTAMP
from tidemark_core.types.conversions import Conversions, Reason
from tidemark_core.types.singer_schema import ROW_METADATA

from tap_mysql.query.column_reads import FLAG, Plan
from tap_mysql.query.sql import Key
from tap_mysql.source.arrow_query import Rows
from tap_mysql.values.key_values import ZERO_YEAR

_REASONS = {
    Reason.ZERO_DATE: "an invalid date, such as 0000-00-00",
    Reason.INVALID_UTF8: "text that is not valid UTF-8",
    Reason.OTHER_TEXT: "text that cannot be represented exactly in UTF-8",
}
#: Type of times in the rows' metadata; UTC, as all times in files are.
ROW_TIME = to_arrow(TIMESTAMP)


def _plain(value: object, plan: Plan) -> object:
    """A key's value as the column's Arrow type takes it."""
    text = value is not None and plan.kind.kind == "string" and not isinstance(value, str)
    return str(value) if text else value


@dataclass(frozen=True)
class Converter:
    """Turns the rows of a query into rows of the table.

    Attributes:
        table: For messages.
        plans: The columns, in order.
        key: Columns that name a row in messages.
        strict: Whether a value that would be changed stops the read.
        fixed: Columns of keys, in which such a value always stops it.
        keyless: The replication key, if rows without one are read: its zero dates become NULL.
        read_at: When the rows were read, UTC, for their metadata; None: they have none.
        schema: Of the table.
        answer: Of the query, which shows changed texts after the columns.
    """

    table: TableName
    plans: Sequence[Plan]
    key: tuple[str, ...] = ()
    strict: bool = False
    fixed: frozenset[str] = frozenset()
    keyless: str | None = None
    read_at: datetime | None = None
    schema: pa.Schema = field(init=False)
    answer: pa.Schema = field(init=False)

    def __post_init__(self) -> None:
        fields = [pa.field(p.column.name, to_arrow(p.kind)) for p in self.plans]
        own = [pa.field(name, ROW_TIME) for name in ROW_METADATA] if self.read_at else []
        object.__setattr__(self, "schema", pa.schema([*fields, *own]))
        flags = [pa.field(f"{FLAG}{n}", pa.string()) for n in range(len(self._flagged))]
        object.__setattr__(self, "answer", pa.schema([*fields, *flags]))

    @property
    def _flagged(self) -> list[str]:
        return [plan.column.name for plan in self.plans if plan.flag is not None]

    def convert(self, rows: Rows, conversions: Conversions) -> pa.RecordBatch:
        """Takes the table's columns from an answer, and counts or refuses changed values.

        Args:
            rows: As the query of `tap_mysql.query.sql.select` gave them.
            conversions: Where changed values are counted.

        Raises:
            SourceError: A value of a key would be changed, or any value, and the tap is strict.
        """
        batch = rows.batch.select(range(len(self.plans)))
        changes = [*rows.changes, *self._other_texts(rows.batch)]
        for change in changes:
            if self._refuses(change):
                raise self._refused(change, batch, changes)
            conversions.count(change.column, Reason(change.reason), change.count)
        return batch if self.read_at is None else self._stamped(batch, deleted=False)

    def tombstones(self, keys: Sequence[Key]) -> pa.RecordBatch:
        """Rows of keys that are gone: the key, when that was seen, and nothing else.

        Args:
            keys: Values of the columns of ``key``.

        Raises:
            SourceError: A key is not a value that its column can have.
        """
        values = dict(zip(self.key, zip(*keys, strict=True), strict=True))
        arrays = []
        for plan in self.plans:
            name, kind = plan.column.name, to_arrow(plan.kind)
            try:
                found = values.get(name, [None] * len(keys))
                arrays.append(pa.array([_plain(value, plan) for value in found], kind))
            except (pa.ArrowException, TypeError, ValueError) as error:
                raise SourceError(
                    f"a deleted key is not a valid {plan.kind}", table=self.table, column=name
                ) from error
        names = [plan.column.name for plan in self.plans]
        return self._stamped(pa.RecordBatch.from_arrays(arrays, names), deleted=True)

    def _stamped(self, batch: pa.RecordBatch, *, deleted: bool) -> pa.RecordBatch:
        read_at = pa.array([self.read_at] * batch.num_rows, ROW_TIME)
        gone = read_at if deleted else pa.array([None] * batch.num_rows, ROW_TIME)
        return pa.RecordBatch.from_arrays([*batch.columns, read_at, gone], schema=self.schema)

    def key_at(self, batch: pa.RecordBatch, names: Sequence[str], row: int) -> Key:
        """A row's key, each value as a literal writes it: decimals beyond Arrow's come as text."""
        kinds = {plan.column.name: plan.column.data_type for plan in self.plans}
        values = ((kinds[name], batch.column(name)[row].as_py()) for name in names)
        return tuple(Decimal(value) if kind == "decimal" else value for kind, value in values)

    def _other_texts(self, batch: pa.RecordBatch) -> list[Change]:
        found = []
        for name, flags in zip(self._flagged, batch.columns[len(self.plans) :], strict=True):
            count = len(flags) - flags.null_count
            if count:
                row = flags.is_valid().index(True).as_py()
                found.append(Change(name, Reason.OTHER_TEXT, count, row, flags[row].as_py()))
        return found

    def _refuses(self, change: Change) -> bool:
        if self.strict or change.column not in self.fixed:
            return self.strict
        return change.column != self.keyless or not change.shown.startswith(ZERO_YEAR)

    def _refused(
        self, change: Change, batch: pa.RecordBatch, changes: Sequence[Change]
    ) -> SourceError:
        is_key = change.column in self.fixed
        holds = f"holds {_REASONS[Reason(change.reason)]}"
        return SourceError(
            f"keys are never altered, but the column {holds}" if is_key else f"the column {holds}",
            table=self.table,
            column=change.column,
            key=self._row(batch, change, changes),
            hint="correct the row, or exclude the table with a select rule: "
            f"'!{self.table.stream}.*'"
            if is_key
            else "correct the row, or set BACKUP_STRICT=false to have it counted instead",
        )

    def _row(self, batch: pa.RecordBatch, refused: Change, changes: Sequence[Change]) -> str | None:
        """Names a row by its key, as the source has it."""
        own = [refused.column] if refused.column in self.fixed else []
        names = dict.fromkeys((*self.key, *own))
        shown = {change.column: change.shown for change in changes if change.row == refused.row}
        values = {name: shown.get(name, batch.column(name)[refused.row].as_py()) for name in names}
        return key_text(values)
