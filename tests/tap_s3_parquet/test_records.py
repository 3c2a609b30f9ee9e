"""Rows for targets that take no files."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from tidemark_core.errors import LakeError


def test_values_come_in_the_types_of_their_schema(lake: Any, read: Any) -> None:
    rows = pa.table(
        {
            "id": pa.array([1, 2], pa.int8()),
            "price": pa.array([Decimal("12345678901234567890.5000"), None], pa.decimal128(38, 4)),
            "at": pa.array([datetime(9999, 12, 31, 23, 59, 59, 999999), None], pa.timestamp("us")),
            "raw": pa.array([b"\x00\xff", None], pa.binary()),
            "x": pa.array([float("nan"), 1e-300]),
            "t": pa.array(["NULL", ""]),
        }
    )
    lake.commit(rows)
    read(s3_output="records")
    assert [message["record"] for message in read.of("RECORD")] == [
        {
            "id": 1,
            "price": "12345678901234567890.5000",
            "at": "9999-12-31T23:59:59.999999+00:00",
            "raw": "AP8=",
            "x": None,
            "t": "NULL",
        },
        {"id": 2, "price": None, "at": None, "raw": None, "x": 1e-300, "t": ""},
    ]


def test_the_bookmark_moves_behind_the_rows_of_a_load(lake: Any, read: Any) -> None:
    manifests = [lake.commit(lake.orders(number, number + 10)) for number in (1, 2)]
    read(s3_output="records", s3_batch_rows=1)
    kinds = [message["type"] for message in read.messages]
    assert kinds == ["SCHEMA", *["RECORD"] * 4, "STATE"]
    assert read.bookmark["last"] == manifests[-1].key(lake.place.layout)
    read(s3_output="records")
    assert read.of("RECORD") == []


@pytest.mark.fault(153)
def test_a_row_says_when_it_was_read_from_the_source(lake: Any, read: Any) -> None:
    """Not when the lake was read: of two versions the one that was read later is the newer."""
    manifests = [lake.commit(lake.orders(number)) for number in (1, 2)]
    read(s3_output="records")
    told = [datetime.fromisoformat(m["time_extracted"]) for m in read.of("RECORD")]
    assert told == [manifest.extracted_at for manifest in manifests]


def test_a_file_that_was_overwritten_since_its_commit_is_refused(lake: Any, read: Any) -> None:
    manifest = lake.commit(lake.orders(1))
    other = lake.commit(lake.orders(2, 3))
    body = lake.client.get_object(Bucket=lake.bucket, Key=other.files[0].key)["Body"].read()
    lake.client.put_object(Bucket=lake.bucket, Key=manifest.files[0].key, Body=body)
    with pytest.raises(LakeError, match="not the file that was committed"):
        read(s3_output="records")
    assert read.of("RECORD") == []


@pytest.mark.fault(48)
def test_a_file_that_is_gone_stops_the_table(lake: Any, read: Any) -> None:
    manifest = lake.commit(lake.orders(1))
    lake.client.delete_object(Bucket=lake.bucket, Key=manifest.files[0].key)
    with pytest.raises(LakeError, match=r"batch_0001\.parquet"):
        read(s3_output="records")


def test_other_formats_of_batches_are_made_when_asked(lake: Any, read: Any, tmp_path: Any) -> None:
    lake.commit(lake.orders(1, 2))
    storage = {"root": tmp_path.as_uri(), "prefix": "x-"}
    encoding = {"format": "jsonl", "compression": "none"}
    read(batch_config={"encoding": encoding, "storage": storage})
    [batch] = read.of("BATCH")
    assert batch["encoding"]["format"] == "jsonl"
    assert read.bookmark["last"]
