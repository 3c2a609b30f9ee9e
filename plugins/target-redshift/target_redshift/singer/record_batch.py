"""Records of any tap, as Singer's JSON has them, to the Arrow columns of a landing table. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from tidemark_core.errors import WarehouseError
from tidemark_core.names import DELETED_AT, EXTRACTED_AT
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import TIMESTAMP
from tidemark_core.types.conversions import Conversions
from tidemark_singer.record_values import UnfitValueError, first_changed, to_array

from target_redshift.model.landing_table import Column, LandingTable
from target_redshift.staging.value_fitter import key_error, shown

_METADATA = (
    Column(EXTRACTED_AT, EXTRACTED_AT, TIMESTAMP),
    Column(DELETED_AT, DELETED_AT, TIMESTAMP),
)


def arrow_schema(landing: LandingTable) -> pa.Schema:
    """The schema of a table's spooled records: the source's columns, then their times."""
    return pa.schema([pa.field(c.source, to_arrow(c.type)) for c in (*landing.columns, *_METADATA)])


def to_batch(
    landing: LandingTable, records: Sequence[Mapping[str, Any]], conversions: Conversions
) -> pa.RecordBatch:
    """Converts records.

    Args:
        landing: The table.
        records: As the SDK parses them; a property that is missing is NULL.
        conversions: Where changed values are counted.

    Raises:
        WarehouseError: A value is not of its column's type (column, key; the value is not shown),
            or a key would be changed.
    """
    arrays = []
    for column in (*landing.columns, *_METADATA):
        counts: Counter[str] = Counter()
        values = [record.get(column.source) for record in records]
        try:
            # A tap of ours gives JSON as text; others give the object itself.
            arrays.append(to_array(values, column.type, is_text=True, counts=counts))
        except UnfitValueError as error:
            raise WarehouseError(
                str(error),
                table=landing.table,
                column=column.source,
                key=_key(landing, records[error.row]),
                hint="correct the tap's schema for this column, then run again",
            ) from None
        if counts and column.key:
            key = _key(landing, records[first_changed(values, column.type)])
            why = f"a key would be changed on the way ({', '.join(counts)})"
            raise key_error(landing, column.source, key, why)
        if counts:
            conversions.merge({column.source: counts})
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(landing))


def _key(landing: LandingTable, record: Mapping[str, Any]) -> str | None:
    return ", ".join(f"{k.source}={shown(record.get(k.source))}" for k in landing.keys) or None
