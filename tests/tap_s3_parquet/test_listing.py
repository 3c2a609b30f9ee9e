"""A lake that another tool wrote: same keys, no manifests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from tidemark_core.errors import LakeError
from tidemark_core.names import TableName


def _old(lake: Any, *ids: int) -> str:
    file = lake.put_file(lake.orders(*ids))
    lake.moment += timedelta(hours=1)
    return str(file.key)


def test_files_are_handed_over_with_what_their_footers_say(lake: Any, read: Any) -> None:
    keys = [_old(lake, 1, 2), _old(lake, 3)]
    read()
    assert read.messages == [] or read.of("BATCH") == [], "without manifests nothing is committed"
    read(s3_discover="listing")
    assert read.keys == keys
    first = read.files[0].facts
    assert first["rows"] == 2
    assert first["extracted_at"] == "2025-08-03T04:05:06Z"
    assert "manifest" not in first
    [schema] = read.of("SCHEMA")
    types = {k: v["x-tidemark-type"] for k, v in schema["schema"]["properties"].items()}
    assert types["price"] == "decimal(10,2)"


def test_each_file_once_and_new_ones_later(lake: Any, read: Any) -> None:
    _old(lake, 1)
    read(s3_discover="listing")
    read(s3_discover="listing")
    assert read.keys == []
    new = _old(lake, 2)
    read(s3_discover="listing")
    assert read.keys == [new]


def test_from_a_given_time_on(lake: Any, read: Any) -> None:
    keys = [_old(lake, number) for number in range(3)]
    read(s3_discover="listing", s3_start_time="2025-08-03T05:05:06")
    assert read.keys == keys[1:]


def test_before_manifests_and_with_them(lake: Any, read: Any) -> None:
    old = _old(lake, 1)
    new = lake.commit(lake.orders(2))
    read(s3_discover="listing")
    assert read.keys == [old, new.files[0].key]
    assert read.files[1].facts["run_id"] == "run"


@pytest.mark.fault(43)
def test_our_own_files_count_only_with_their_manifest(lake: Any, read: Any) -> None:
    old = _old(lake, 1)
    orphan = lake.put_file(lake.orders(2), run="died")
    lake.moment += timedelta(hours=1)
    read(s3_discover="listing")
    assert read.keys == [old]
    assert orphan.key not in read.keys


def test_turning_to_listing_later_finds_what_lay_there_all_the_time(lake: Any, read: Any) -> None:
    old = _old(lake, 1)
    lake.commit(lake.orders(2))
    read()
    read(s3_discover="listing")
    assert read.keys == [old]


def test_keys_come_from_the_catalog(lake: Any, read: Any) -> None:
    from tap_s3_parquet.singer.tap import TapS3Parquet

    _old(lake, 1)
    catalog = TapS3Parquet(config=lake.config | {"s3_discover": "listing"}).catalog_dict
    catalog["streams"][0]["key_properties"] = ["id"]
    read(s3_discover="listing", catalog=catalog)
    assert read.of("SCHEMA")[0]["key_properties"] == ["id"]


def test_rubbish_in_a_tables_folder_is_passed_over_or_named(lake: Any, read: Any) -> None:
    key = _old(lake, 1)
    folder = lake.place.layout.data_prefix(TableName("shop", "orders"))
    for stray in ("_SUCCESS", "year=2025/x.parquet", "year=2025/month=08/day=03/hour=04/a.csv"):
        lake.client.put_object(Bucket=lake.bucket, Key=folder + stray, Body=b"x")
    read(s3_discover="listing")
    assert read.keys == [key]
    broken = lake.place.layout.data_key(lake.table, lake.moment, 9)
    lake.client.put_object(Bucket=lake.bucket, Key=broken, Body=b"PAR1 no")
    with pytest.raises(LakeError, match=r"batch_0009\.parquet cannot be read as Parquet"):
        read(s3_discover="listing")


def test_a_nested_column_is_named(lake: Any, read: Any) -> None:
    lake.put_file(pa.table({"id": [1], "tags": [["a"]]}))
    with pytest.raises(LakeError, match=r"list.*column tags"):
        read(s3_discover="listing")


@pytest.mark.fault(135)
def test_files_of_one_name_in_two_folders_are_two_files(lake: Any, read: Any) -> None:
    """As another tool names the files of one run, a folder a day."""
    root = f"{lake.place.layout.data_prefix(TableName('shop', 'orders'))}year=2025/month=08/day="
    keys = [f"{root}0{day}/hour=00/2025-08-03_04-05-06_batch_0001.parquet" for day in (1, 2, 3)]
    for key in keys[:2]:
        lake.put_file(lake.orders(1), key=key)
    read(s3_discover="listing", s3_batch_rows=1)
    assert read.keys == keys[:2]
    read.state = read.of("STATE")[0]["value"]  # it was killed after its first load
    read(s3_discover="listing", s3_batch_rows=1)
    assert read.keys == keys[1:2]
    lake.put_file(lake.orders(1), key=keys[2])
    read(s3_discover="listing")
    assert read.keys == keys[2:]
