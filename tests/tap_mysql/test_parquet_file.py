"""How the tap writes Parquet: what repeats gets a dictionary, and nothing is changed by it."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tap_mysql.reading.parquet_file import FileWriter

#: Every type that a column of ours may have, with values of it.
KINDS: dict[pa.DataType, st.SearchStrategy[object]] = {
    pa.int8(): st.integers(-128, 127),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float32(): st.floats(width=32, allow_nan=False),
    pa.float64(): st.floats(allow_nan=False),
    pa.bool_(): st.booleans(),
    pa.decimal128(38, 4): st.decimals(-(10**20), 10**20, places=4).map(Decimal),
    pa.decimal256(65, 30): st.decimals(-(10**20), 10**20, places=30).map(Decimal),
    pa.date32(): st.dates(date(1000, 1, 1)),
    pa.timestamp("us"): st.datetimes(datetime(1000, 1, 1)),
    pa.time64("us"): st.times(time(0)),
    pa.string(): st.text(max_size=8),
    pa.binary(): st.binary(max_size=8),
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_values_are_what_they_were(kind: pa.DataType, data: st.DataObject, tmp_path: Path) -> None:
    values = data.draw(st.lists(st.none() | KINDS[kind], max_size=20))
    schema = pa.schema([pa.field("a.b `c`", kind)])
    batch = pa.record_batch([pa.array(values, kind)], schema=schema)
    writer = FileWriter(tmp_path / "f.parquet", schema)
    if values:
        writer.write(batch)
    found = pq.read_table(writer.finish())
    assert found.schema == schema
    assert found.column(0).to_pylist() == values


def test_what_repeats_gets_a_dictionary_and_nothing_else_does(tmp_path: Path) -> None:
    rows = 10_000
    table = pa.table(
        {
            "status": [f"status {n % 7}" for n in range(rows)],
            "parcel": [f"parcel {n}" for n in range(rows)],
            "empty": pa.nulls(rows, pa.string()),
        }
    )
    (batch,) = table.to_batches()
    writer = FileWriter(tmp_path / "f.parquet", table.schema)
    writer.write(batch)
    group = pq.ParquetFile(writer.finish()).metadata.row_group(0)
    chosen = [group.column(n).dictionary_page_offset is not None for n in range(3)]
    assert chosen == [True, False, True]
