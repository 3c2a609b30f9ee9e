"""From ConnectorX's batches to batches of the table's own types, changes counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
from tidemark_core.errors import SourceError
from tidemark_core.names import TableName
from tidemark_core.types.arrow import to_arrow

from tap_mysql.query.column_reads import INVALID_TEXT, OTHER_TEXT, ZERO_DATE, Plan, decode, flagged
from tap_mysql.query.sql import Key
from tap_mysql.source.arrow_query import FetchError
from tap_mysql.source.error_codes import Cure
from tap_mysql.values.decimals import Array
from tap_mysql.values.key_values import ZERO_YEAR

_REASONS = {
    ZERO_DATE: "a date that no calendar has, such as 0000-00-00",
    INVALID_TEXT: "text that is not valid UTF-8",
    OTHER_TEXT: "text that has no exact form in UTF-8",
}
#: The first moment that there is, by kind of column.
_FIRST: dict[str, date] = {"date": date(1, 1, 1), "timestamp": datetime(1, 1, 1)}
Changed = Callable[[str, str, int], None]


@dataclass(frozen=True)
class Converter:
    """Gives batches their types.

    Attributes:
        table: For messages.
        plans: The columns, in order.
        key: Columns that name a row in messages.
        strict: Whether a value that would be changed stops the read.
        fixed: Columns of keys, in which such a value always stops it.
        keyless: The replication key, if rows without one are read: its zero dates become NULL.
    """

    table: TableName
    plans: Sequence[Plan]
    key: tuple[str, ...] = ()
    strict: bool = False
    fixed: frozenset[str] = frozenset()
    keyless: str | None = None
    schema: pa.Schema = field(init=False)

    def __post_init__(self) -> None:
        fields = [pa.field(p.column.name, to_arrow(p.kind)) for p in self.plans]
        object.__setattr__(self, "schema", pa.schema(fields))

    def convert(
        self, batch: pa.RecordBatch, changed: Changed, *, careful: bool = False
    ) -> pa.RecordBatch:
        """Converts a batch.

        Args:
            batch: As the query of `tap_mysql.query.sql.select` gave it.
            changed: Told of column, reason and number of changed values.
            careful: Whether the query was the careful one.

        Raises:
            SourceError: A value of a key would be changed, or any value, and the tap is strict; or
                one does not fit the type that the server declared.
            FetchError: The fast query gave a date of year 0, which the careful one makes NULL.
        """
        arrays: list[Array] = []
        findings: list[_Finding] = []
        position = 0
        for plan in self.plans:
            values = batch.column(position)
            position += 1
            if careful and plan.is_text:
                values, changes = decode(values)
                findings.append(_Finding(plan, INVALID_TEXT, changes))
            if plan.is_flagged(careful=careful):
                reason = OTHER_TEXT if plan.is_text else ZERO_DATE
                findings.append(_Finding(plan, reason, flagged(batch.column(position))))
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
            if plan.kind.kind in _FIRST and not careful:
                _refuse_year_zero(arrays[-1], _FIRST[plan.kind.kind])
        finished = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        for finding in filter(lambda finding: finding.rows, findings):
            self._check(finding, finished, findings)
            changed(finding.plan.column.name, finding.reason, len(finding.rows))
        return finished

    def key_at(self, batch: pa.RecordBatch, names: Sequence[str], row: int) -> Key:
        """A row's key, each value as a literal can write it: decimals beyond Arrow's are text."""
        kinds = {plan.column.name: plan.column.data_type for plan in self.plans}
        values = ((kinds[name], batch.column(name)[row].as_py()) for name in names)
        return tuple(Decimal(value) if kind == "decimal" else value for kind, value in values)

    def _check(
        self, finding: _Finding, batch: pa.RecordBatch, findings: Sequence[_Finding]
    ) -> None:
        column = finding.plan.column.name
        is_key = column in self.fixed
        refused = [row for row, shown in finding.rows.items() if self._refuses(column, shown)]
        if not refused:
            return
        holds = f"holds {_REASONS[finding.reason]}"
        raise SourceError(
            f"a key is never changed on the way, and the column {holds}"
            if is_key
            else f"the column {holds}",
            table=self.table,
            column=column,
            key=self._row(batch, refused[0], findings, column if is_key else None),
            hint="correct the row, or leave the table out with a select rule: "
            f"'!{self.table.stream}.*'"
            if is_key
            else "correct the row, or set BACKUP_STRICT=false to have it counted instead",
        )

    def _refuses(self, column: str, shown: str) -> bool:
        if self.strict or column not in self.fixed:
            return self.strict
        return column != self.keyless or not shown.startswith(ZERO_YEAR)

    def _row(
        self,
        batch: pa.RecordBatch,
        row: int,
        findings: Sequence[_Finding],
        column: str | None,
    ) -> str | None:
        """Names a row by its key, as the source has it."""
        names = dict.fromkeys((*self.key, *([column] if column else [])))
        if not names:
            return None
        shown = {f.plan.column.name: f.rows[row] for f in findings if row in f.rows}
        values = {name: shown.get(name, batch.column(name)[row].as_py()) for name in names}
        return ", ".join(f"{name}={value}" for name, value in values.items())


@dataclass(frozen=True)
class _Finding:
    """Values of a column that were changed: what they were, by position."""

    plan: Plan
    reason: str
    rows: Mapping[int, str]


def _refuse_year_zero(values: Array, first: date) -> None:
    """ConnectorX fails at 0000-00-00, but reads 0000-03-01, which is no date elsewhere."""
    if pc.any(pc.less(values, pa.scalar(first, values.type))).as_py():
        raise FetchError(0, "a date of year 0", Cure.CAREFUL)
