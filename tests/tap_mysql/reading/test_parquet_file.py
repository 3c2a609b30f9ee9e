"""A file on its way to the lake has its name when it is complete, and not before."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tap_mysql.reading.parquet_file import FileWriter

ROWS = pa.record_batch({"id": pa.array(range(40_000), pa.int64())})


def test_a_file_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    writer = FileWriter(path, ROWS.schema)
    writer.write(ROWS)
    assert not path.exists()
    assert writer.finish() == path
    assert list(tmp_path.iterdir()) == [path]
    assert pq.read_metadata(path).num_rows == writer.rows == 40_000


def test_one_that_is_dropped_leaves_nothing(tmp_path: Path) -> None:
    writer = FileWriter(tmp_path / "f.parquet", ROWS.schema)
    writer.write(ROWS)
    assert list(tmp_path.iterdir())
    writer.drop()
    assert list(tmp_path.iterdir()) == []
