"""How the lake's Parquet is written: what repeats gets a dictionary, and no value changes."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tidemark_core.lake.parquet_writer import GROUP_BYTES, GROUP_ROWS, ParquetFileWriter

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
    path = tmp_path / "f.parquet"
    writer = ParquetFileWriter(path, schema.with_metadata({"pandas": "{}"}))
    if values:
        writer.write(batch)
    writer.close()
    found = pq.read_table(path)
    assert pq.read_metadata(path).metadata is None, "Spectrum has refused files for it"
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
    path = tmp_path / "f.parquet"
    writer = ParquetFileWriter(path, table.schema)
    writer.write(batch)
    writer.close()
    group = pq.read_metadata(path).row_group(0)
    chosen = [group.column(n).dictionary_page_offset is not None for n in range(3)]
    assert chosen == [True, False, True]


def test_batches_become_row_groups_of_the_size_that_is_told(
    tmp_path: Path, project_root: Path
) -> None:
    rows = pa.record_batch({"id": pa.array(range(10_000), pa.int64())})
    path = tmp_path / "f.parquet"
    writer = ParquetFileWriter(path, rows.schema)
    for number in range(10):
        assert writer.waiting == number % 4 * rows.nbytes
        writer.write(rows)
    writer.close()
    found = pq.read_metadata(path)
    groups = [found.row_group(at).num_rows for at in range(found.num_row_groups)]
    assert groups == [40_000, 40_000, 20_000]
    told = (project_root / "docs/lake.md").read_text()
    assert f"row groups of {GROUP_ROWS:,} rows or {GROUP_BYTES >> 20} MB" in told


def test_one_that_is_abandoned_holds_nothing_and_can_be_abandoned_again(tmp_path: Path) -> None:
    rows = pa.record_batch({"id": pa.array(range(10), pa.int64())})
    writer = ParquetFileWriter(tmp_path / "f.parquet", rows.schema)
    writer.write(rows)
    writer.abandon()
    writer.abandon()
    assert writer.waiting == 0
