"""Everybody else reads a table's folder: the right rows, the right types."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import S3FileSystem
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType


@pytest.fixture
def options(lake: Any) -> dict[str, Any]:
    """How Arrow's S3FileSystem reaches the lake."""
    place = lake.place
    return {
        "access_key": place.access_key,
        "secret_key": place.secret_key,
        "endpoint_override": place.endpoint_url,
        "region": place.region,
    }


@pytest.fixture
def files(options: dict[str, Any]) -> S3FileSystem:
    return S3FileSystem(**options)


@pytest.fixture
def folder(lake: Any, feed: Any, say: Any, make_file: Any) -> str:
    """A table written by two runs, one with BATCH and one with RECORD messages."""
    feed(
        say.schema(), say.batch(make_file(say.orders(1, 2)), make_file(say.orders(3))), say.state(1)
    )
    feed(
        say.schema(),
        say.record(id=4, name="é😀", price="1.25", update_at="2025-08-03T04:05:06.000007Z"),
        say.record(id=5),
        say.state(2),
    )
    prefix = lake.place.layout.data_prefix(TableName("shop", "orders"))
    return f"{lake.place.bucket}/{prefix}"


@pytest.fixture
def local(lake: Any, folder: str, tmp_path: Path) -> Path:
    """The same folder as ``aws s3 sync`` would bring it here."""
    for key in lake.keys("incremental/shop.orders/"):
        path = tmp_path / "lake" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lake.body(key))
    return tmp_path / "lake/incremental/shop.orders"


PARTITIONS = {"year", "month", "day", "hour"}


def printed(python: Path, code: str, told: dict[str, Any]) -> Any:
    """What code prints as JSON, given the same."""
    command = [str(python), "-c", code, json.dumps(told)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_pyarrow_dataset(folder: str, files: S3FileSystem) -> None:
    data = ds.dataset(folder, filesystem=files, format="parquet", partitioning="hive")
    table = data.to_table()
    assert set(table.column("id").to_pylist()) == {1, 2, 3, 4, 5}
    assert table.num_rows == 5
    assert table.schema.field("price").type == pa.decimal128(10, 2)
    assert table.schema.field("update_at").type == pa.timestamp("us")
    assert set(table.column_names) == {"id", "name", "price", "update_at"} | PARTITIONS
    assert data.count_rows(filter=(ds.field("year") == 2025) & (ds.field("month") == 8)) == 3


#: This and Polars have an environment of their own: docs/decisions/0037.
_PANDAS = """
import json, sys
import pandas as pd
from pyarrow.fs import S3FileSystem
told = json.loads(sys.argv[1])
frame = pd.read_parquet(
    told["folder"], filesystem=S3FileSystem(**told["options"]), dtype_backend="pyarrow"
).set_index("id")
lacking = frame.loc[5].isna()
print(json.dumps([len(frame), str(frame.dtypes["price"]), str(frame.loc[4, "price"]),
    frame.loc[4, "name"], str(frame.loc[4, "update_at"]), sorted(lacking[lacking].index)]))
"""


def test_pandas(folder: str, options: dict[str, Any], readers: Path) -> None:
    assert printed(readers / "python", _PANDAS, {"folder": folder, "options": options}) == [
        5,
        "decimal128(10, 2)[pyarrow]",
        "1.25",
        "é😀",
        "2025-08-03 04:05:06.000007",
        ["name", "price", "update_at"],
    ]


_POLARS = """
import json, sys
import polars as pl
told = json.loads(sys.argv[1])
frame = pl.read_parquet(
    f"s3://{told['folder']}**/*.parquet", hive_partitioning=True, storage_options=told["options"]
).sort("id")
assert frame.schema["price"] == pl.Decimal(10, 2)
assert frame.schema["update_at"] == pl.Datetime("us")
print(json.dumps([frame.get_column("id").to_list(), frame.filter(pl.col("year") == 2025).height]))
"""


def test_polars(lake: Any, folder: str, readers: Path) -> None:
    place = lake.place
    options = {
        "aws_access_key_id": place.access_key,
        "aws_secret_access_key": place.secret_key,
        "aws_region": place.region,
        "aws_endpoint_url": place.endpoint_url,
        "aws_allow_http": "true",
    }
    assert printed(readers / "python", _POLARS, {"folder": folder, "options": options}) == [
        [1, 2, 3, 4, 5],
        3,
    ]


def test_duckdb(local: Path) -> None:
    with duckdb.connect() as base:
        rows = base.execute(
            "SELECT id, price, update_at FROM read_parquet(?, hive_partitioning = true) "
            "WHERE id >= 4 ORDER BY id",
            [f"{local}/**/*.parquet"],
        ).fetchall()
        types = dict(
            base.execute(
                "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(?))",
                [f"{local}/**/*.parquet"],
            ).fetchall()
        )
    assert rows == [(4, Decimal("1.25"), datetime(2025, 8, 3, 4, 5, 6, 7)), (5, None, None)]
    assert (types["id"], types["price"], types["update_at"]) == (
        "BIGINT",
        "DECIMAL(10,2)",
        "TIMESTAMP",
    )


@pytest.mark.fault(158)
@pytest.mark.parametrize("more", [["year", "Month"], ["DAY", "day_"]])
@pytest.mark.parametrize("by_day", [False, True])
def test_columns_of_the_folders_names_are_what_the_source_has(
    lake: Any, feed: Any, say: Any, tmp_path: Path, more: list[str], by_day: bool
) -> None:
    """Both take a column of the path for one of the file where they have one name."""
    kinds = say.columns | {name: ColumnType("int16") for name in more}
    values = {name: 7 + number for number, name in enumerate(more)}
    row = say.record(id=1, update_at="2025-08-03T04:05:06Z", **values)
    layout = {"s3_partition_columns": {"shop.orders": "update_at"}} if by_day else {}
    feed(say.schema(kinds), row, say.state(1), **layout)
    [file] = lake.manifests()[0].files
    prefix = lake.place.layout.data_prefix(TableName("shop", "orders"))
    path = tmp_path / file.key.removeprefix(prefix)
    path.parent.mkdir(parents=True)
    path.write_bytes(lake.body(file.key.removeprefix(lake.place.layout.root)))
    [read] = ds.dataset(tmp_path, format="parquet", partitioning="hive").to_table().to_pylist()
    with duckdb.connect() as base:
        query = "SELECT * FROM read_parquet(?, hive_partitioning = true)"
        found = base.execute(query, [f"{tmp_path}/**/*.parquet"])
        names = [column[0] for column in found.description]
        [by_duckdb] = found.fetchall()
    for told in (read, dict(zip(names, by_duckdb, strict=True))):
        assert {name: told[name] for name in more} == values
        assert len(told) == len(kinds) + 4


_DUCKDB = """
import json, sys
from pathlib import Path
import duckdb, duckdb_extension_httpfs
told = json.loads(sys.argv[1])
# The extension as a package brings it: INSTALL would download it.
(extension,) = Path(duckdb_extension_httpfs.__file__).parent.rglob("*.duckdb_extension")
with duckdb.connect() as base:
    base.execute(f"LOAD '{extension}'")
    base.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID '{told['key']}', SECRET '{told['secret']}', "
        f"REGION '{told['region']}', ENDPOINT '{told['endpoint']}', URL_STYLE 'path', "
        "USE_SSL false)"
    )
    rows = base.execute(
        "SELECT count(*), sum(price)::varchar, count(*) FILTER (WHERE year = 2025 AND month = 8) "
        f"FROM read_parquet('s3://{told['folder']}**/*.parquet', hive_partitioning = true)"
    ).fetchall()
    print(json.dumps(rows))
"""


@pytest.mark.soak
def test_duckdb_from_s3_itself(lake: Any, folder: str, foreign: Callable[[str], Path]) -> None:
    place = lake.place
    told = {
        "key": place.access_key,
        "secret": place.secret_key,
        "region": place.region,
        "endpoint": str(place.endpoint_url).removeprefix("http://"),
        "folder": folder,
    }
    python = foreign("duckdb-extension-httpfs==1.5.5") / "python"
    assert printed(python, _DUCKDB, told) == [[5, "2.75", 3]]


@pytest.mark.soak
def test_the_aws_command_line(
    lake: Any, folder: str, foreign: Callable[[str], Path], tmp_path: Path
) -> None:
    place = lake.place
    env = os.environ | {
        "AWS_ACCESS_KEY_ID": place.access_key,
        "AWS_SECRET_ACCESS_KEY": place.secret_key,
        "AWS_DEFAULT_REGION": place.region,
        "AWS_ENDPOINT_URL": place.endpoint_url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }

    def aws(*arguments: str) -> str:
        command = [str(foreign("awscli==1.46.3") / "aws"), *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    listed = aws("s3", "ls", "--recursive", f"s3://{folder}")
    assert [line.split()[-1] for line in listed.splitlines()] == [
        place.layout.root + key for key in lake.keys("incremental/")
    ]
    aws("s3", "sync", f"s3://{folder}", str(tmp_path))
    table = ds.dataset(tmp_path, format="parquet", partitioning="hive").to_table()
    assert table.sort_by("id").column("id").to_pylist() == [1, 2, 3, 4, 5]
    manifest = lake.keys("manifests/")[0]
    text = aws("s3", "cp", f"s3://{place.bucket}/{place.layout.root}{manifest}", "-")
    assert json.loads(text)["rows"] == 3


def test_only_committed_files_by_the_manifests(lake: Any, folder: str) -> None:
    """As docs/lake.md shows it."""
    keys = [file.key for manifest in lake.manifests("shop.orders/") for file in manifest.files]
    assert sorted(keys) == [lake.place.layout.root + key for key in lake.keys("incremental/")]


def test_files_made_of_records_suit_athena_and_spectrum(
    lake: Any, feed: Any, say: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemark_core.lake.parquet_writer.GROUP_ROWS", 2_000)
    records = [say.record(id=number, name="x" * 20) for number in range(3_000)]
    feed(say.schema(), *records, say.state(1), batch_size_rows=500)
    [file] = lake.manifests()[0].files
    parquet = lake.parquet(file.key)
    footer = parquet.metadata
    assert footer.metadata is None, "no schema metadata of Python's"
    groups = [footer.row_group(at).num_rows for at in range(footer.num_row_groups)]
    assert groups == [2_000, 1_000]
    first, last = footer.row_group(0).column(0), footer.row_group(1).column(0)
    assert first.compression == "ZSTD"
    assert (first.statistics.min, last.statistics.max) == (0, 2_999)
    assert str(footer.schema.column(2).logical_type) == "Decimal(precision=10, scale=2)"
    at = footer.schema.column(3)
    assert at.physical_type == "INT64", "not INT96"
    assert "isAdjustedToUTC=false, timeUnit=microseconds" in str(at.logical_type)
    assert isinstance(parquet, pq.ParquetFile)
