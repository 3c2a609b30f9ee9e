"""Records of any tap to the Arrow columns of a landing table. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from tidemark_core.errors import WarehouseError
from tidemark_core.text.documents import Json
from tidemark_core.types.conversions import Conversions
from tidemark_singer.records.batch import ChangedKeyError, RecordError, RecordShape

from target_redshift.model.landing_table import ROW_COLUMNS, LandingTable
from target_redshift.staging.value_fitter import key_error


def shape_of(landing: LandingTable) -> RecordShape:
    """The shape of a table's records: the source's columns, then their times."""
    types = {column.source: column.type for column in (*landing.columns, *ROW_COLUMNS)}
    # A tap of ours gives JSON as text; others give the object itself.
    return RecordShape(types, types.keys(), [column.source for column in landing.keys])


def to_batch(
    landing: LandingTable, records: Sequence[Json], conversions: Conversions
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
    try:
        return shape_of(landing).batch(records, conversions)
    except ChangedKeyError as error:
        why = f"a key would be altered ({error})"
        raise key_error(landing, error.column, error.key, why) from None
    except RecordError as error:
        raise WarehouseError(
            str(error),
            table=landing.table,
            column=error.column,
            key=error.key,
            hint="correct the tap's schema for this column, then run again",
        ) from None
