"""Parquet files are read in blocks of bounded size. Pure."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from target_redshift.loader import newest_copy
from target_redshift.model.landing_table import LandingTable
from target_redshift.staging.load_file import LoadFile, blocks
from target_redshift.staging.parquet_stager import read_schema
from tidemark_core.errors import LakeError
from tidemark_core.lake.parquet_reader import unreadable
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TABLE = TableName("shop", "t")
WHEN = datetime(2026, 1, 2, tzinfo=UTC)
ROWS = 8_192


def _blocks(path: Path, table: pa.Table) -> list[pa.RecordBatch]:
    pq.write_table(table, path, compression="zstd", row_group_size=16_384)
    file = LoadFile(path.name, "", table.num_rows, path.stat().st_size, WHEN)
    return list(blocks(file, path, TABLE))


@pytest.mark.fault(132)
@pytest.mark.parametrize("kind", [pa.string(), pa.binary()], ids=str)
def test_a_small_file_that_decodes_to_gigabytes_is_read_in_small_blocks(
    tmp_path: Path, kind: pa.DataType
) -> None:
    texts = pa.array(["", "x" * 60_000], kind)
    codes = pa.array([0] * 1_000 + [1] * 31_000, pa.int32())
    dictionary = pa.DictionaryArray.from_arrays(codes, texts)
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"t": dictionary}), path, store_schema=False, compression="zstd")
    assert path.stat().st_size < 2_000
    file = LoadFile(path.name, "", 32_000, path.stat().st_size, WHEN)
    rows = 0
    for block in blocks(file, path, TABLE):
        assert block.nbytes < 70 * 2**20
        assert block.schema.field("t").type == kind
        rows += block.num_rows
    assert rows == 32_000


@pytest.mark.fault(132)
def test_a_footer_of_gigabytes_is_not_fetched() -> None:
    asked: list[str] = []

    class Bucket:
        def get_object(self, **told: str) -> dict[str, Any]:
            asked.append(told["Range"])
            return {"Body": io.BytesIO(b"\xff" * 65_532 + b"PAR1")}

    file = LoadFile("bomb.parquet", "e", 1, 5 * 2**30, WHEN, bucket="lake")
    landing = LandingTable(TABLE, "t", ())
    with pytest.raises(LakeError, match="cannot be read as Parquet"):
        read_schema(cast("S3Client", Bucket()), file, landing)
    assert asked == [f"bytes={5 * 2**30 - 65_536}-{5 * 2**30 - 1}"]


def test_short_values_are_read_in_large_blocks(tmp_path: Path) -> None:
    table = pa.table({"n": range(20_000), "s": [f"state {n % 7}" for n in range(20_000)]})
    found = _blocks(tmp_path / "honest.parquet", table)
    assert max(block.num_rows for block in found) == ROWS
    assert pa.Table.from_batches(found).equals(table)


def test_want_of_memory_is_not_called_a_damaged_file() -> None:
    error = unreadable("f.parquet", TABLE, pa.ArrowMemoryError("realloc of size 9 failed"))
    assert "not enough memory" in str(error)
    assert "manifest" not in str(error)
    assert "cannot be read as Parquet" in str(unreadable("f", TABLE, pa.ArrowInvalid("bad")))


def test_only_the_lakes_own_copies_are_held_against_each_other() -> None:
    def file(name: str, day: int, manifest: str = "m") -> LoadFile:
        moment = datetime(2026, 1, day, tzinfo=UTC)
        return LoadFile(name, "", 1, 1, moment, bucket="b", manifest=manifest)

    old, new, also, other = file("a", 1), file("b", 2), file("c", 2), file("d", 1, manifest="")
    assert newest_copy([old, new, also, other]) == ([new, also, other], [old])
    assert newest_copy([other]) == ([other], [])
    assert newest_copy([]) == ([], [])
