"""Committed files are named once, in order, with what is known of them."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from tap_s3_parquet.singer.tap import TapS3Parquet
from tidemark_core.errors import LakeError, StateError
from tidemark_core.names import TableName
from tidemark_core.types.singer_schema import METHOD


def _ids(messages: list[dict[str, Any]]) -> list[int]:
    return [message["record"]["id"] for message in messages if message["type"] == "RECORD"]


def test_files_are_named_with_what_their_manifest_says(lake: Any, read: Any) -> None:
    manifest = lake.commit(lake.orders(1, 2), lake.orders(3))
    read()
    schema, batch, *_ = read.messages
    assert schema["schema"]["properties"] == manifest.schema["properties"]
    assert schema["key_properties"] == ["id"]
    assert batch["encoding"] == {"format": "parquet"}
    first = read.files[0]
    assert first.s3_location == (lake.bucket, manifest.files[0].key)
    assert first.facts == {
        "rows": 2,
        "etag": manifest.files[0].etag,
        "bytes": manifest.files[0].size,
        "extracted_at": "2025-08-03T04:05:06Z",
        "manifest": manifest.key(lake.place.layout),
        "run_id": "run",
        "fence": 7,
    }
    assert read.keys == [file.key for file in manifest.files]


@pytest.mark.fault(16)
def test_with_nothing_new_there_is_no_batch_and_the_bookmark_stays(lake: Any, read: Any) -> None:
    lake.commit(lake.orders(1))
    read()
    before = read.bookmark
    read()
    assert read.of("BATCH") == []
    assert read.bookmark == before


def test_the_bookmark_has_the_standard_fields(lake: Any, read: Any) -> None:
    manifest = lake.commit(lake.orders(1))
    read()
    assert read.bookmark["replication_key"] == "_sdc_extracted_at"
    assert read.bookmark["replication_key_value"] == "2025-08-03T04:05:06.000000"
    assert read.bookmark["last"] == manifest.key(lake.place.layout)


def test_each_commit_is_handed_over_once(lake: Any, read: Any) -> None:
    seen = []
    for number in range(3):
        manifest = lake.commit(lake.orders(number))
        read()
        assert read.keys == [manifest.files[0].key]
        seen += read.keys
    assert len(set(seen)) == 3


def test_a_commit_with_an_earlier_name_than_the_last_is_not_missed(lake: Any, read: Any) -> None:
    lake.commit(lake.orders(1), run="b")
    read()
    lake.moment -= timedelta(hours=5)  # a machine whose clock is slow
    slow = lake.commit(lake.orders(2), run="c")
    read()
    assert read.keys == [slow.files[0].key]
    lake.moment -= timedelta(hours=1)  # the same second, and a run id that sorts first
    same = lake.manifest(
        lake.put_file(lake.orders(3), 2, run="a"), columns=lake.orders(1).schema, run="a"
    )
    lake.put_manifest(same)
    read()
    assert read.keys == [same.files[0].key]


@pytest.mark.fault(43)
def test_orphans_are_never_handed_over(lake: Any, read: Any) -> None:
    committed = lake.commit(lake.orders(1))
    lake.put_file(lake.orders(2), run="died")
    for how in ("manifests", "listing"):
        read.state = {}
        read(s3_discover=how)
        assert read.keys == [committed.files[0].key], how


def test_small_commits_make_one_load_and_large_ones_several(lake: Any, read: Any) -> None:
    for number in range(5):
        lake.commit(lake.orders(number, number + 10))
    read(s3_batch_rows=4)
    assert [len(batch["manifest"]) for batch in read.of("BATCH")] == [2, 2, 1]
    kinds = [message["type"] for message in read.messages]
    assert kinds == ["SCHEMA", "BATCH", "STATE", "BATCH", "STATE", "BATCH", "STATE"]


@pytest.mark.fault(17)
def test_a_run_goes_on_after_the_last_state_that_was_kept(lake: Any, read: Any) -> None:
    manifests = [lake.commit(lake.orders(number)) for number in range(4)]
    read(s3_batch_rows=1)
    keys = [manifest.files[0].key for manifest in manifests]
    states = [message["value"] for message in read.of("STATE")]
    for done, state in enumerate(states[:4], 1):
        read.state = state
        read(s3_batch_rows=1)
        assert read.keys == keys[done:]


@pytest.mark.fault(17)
def test_what_came_before_a_commit_that_stops_its_table_is_done(lake: Any, read: Any) -> None:
    first, *others = [lake.commit(lake.orders(number)) for number in range(4)]
    lake.put_manifest(others[1], rows=77)
    with pytest.raises(LakeError):
        read(s3_batch_rows=1)
    assert read.keys == [first.files[0].key]
    read.state = read.of("STATE")[-1]["value"]
    lake.put_manifest(others[1])
    read()
    assert read.keys == [commit.files[0].key for commit in others]


def test_a_schema_that_changed_between_runs_is_announced_before_its_files(
    lake: Any, read: Any
) -> None:
    lake.commit(lake.orders(1))
    lake.commit(lake.orders(2).append_column("note", pa.array(["x"])))
    lake.commit(lake.orders(3).append_column("note", pa.array(["y"])))
    read()
    kinds = [message["type"] for message in read.messages]
    assert kinds[:5] == ["SCHEMA", "BATCH", "STATE", "SCHEMA", "BATCH"]
    old, new = read.of("SCHEMA")
    assert "note" not in old["schema"]["properties"]
    assert new["schema"]["properties"]["note"]["x-tidemark-type"] == "string"
    assert [len(batch["manifest"]) for batch in read.of("BATCH")] == [1, 2]


def test_a_catalog_selects_columns_and_cannot_bend_types(lake: Any, read: Any) -> None:
    from tap_s3_parquet.singer.tap import TapS3Parquet

    lake.commit(lake.orders(1))
    catalog = TapS3Parquet(config=lake.config).catalog_dict
    [stream] = catalog["streams"]
    stream["schema"]["properties"]["price"] = {"type": "number"}
    for entry in stream["metadata"]:
        if entry["breadcrumb"] == ["properties", "name"]:
            entry["metadata"]["selected"] = False
    read(catalog=catalog)
    [schema] = read.of("SCHEMA")
    assert list(schema["schema"]["properties"]) == ["id", "price", "update_at"]
    assert schema["schema"]["properties"]["price"]["x-tidemark-type"] == "decimal(10,2)"


def test_tables_are_chosen_by_pattern(lake: Any, read: Any) -> None:
    for schema, table in (("shop", "orders"), ("shop", "items"), ("hr", "people")):
        lake.table = TableName(schema, table)
        lake.commit(lake.orders(1))
    read(s3_tables=["shop.*"])
    assert {batch["stream"] for batch in read.of("BATCH")} == {"shop-orders", "shop-items"}


@pytest.mark.parametrize(
    ("start", "count"),
    [("2025-08-03", 3), ("2025-08-03T05:05:06", 2), ("2025-08-03T08:05:06+02:00", 1)],
)
def test_what_was_extracted_before_a_time_is_left_out(
    lake: Any, read: Any, start: str, count: int
) -> None:
    for number in range(3):
        lake.commit(lake.orders(number))
    read(s3_start_time=start)
    assert len(read.keys) == count
    read(s3_start_time=start)
    assert read.keys == []


def test_a_bookmark_set_by_hand_to_a_time_is_where_reading_starts(lake: Any, read: Any) -> None:
    manifests = [lake.commit(lake.orders(number)) for number in range(3)]
    read.state = {
        "bookmarks": {
            "shop-orders": {
                "replication_key": "_sdc_extracted_at",
                "replication_key_value": "2025-08-03T05:05:06.000000",
            }
        }
    }
    read()
    assert read.keys == [manifest.files[0].key for manifest in manifests[1:]]
    read()
    assert read.keys == [], "what lies before it stays left out"


@pytest.mark.fault(19)
def test_a_table_that_cannot_be_read_stops_no_other(lake: Any, read: Any) -> None:
    lake.commit(lake.orders(1))
    bad = lake.manifest(
        replace(lake.put_file(lake.orders(2)), rows=5), columns=lake.orders(1).schema
    )
    lake.put_manifest(bad, rows=4)
    lake.moment += timedelta(hours=1)
    lake.commit(lake.orders(3))
    lake.table = TableName("shop", "zebra")
    lake.commit(lake.orders(4))
    with pytest.raises(LakeError, match=r"add up.*shop\.orders"):
        read()
    assert {batch["stream"] for batch in read.of("BATCH")} == {"shop-zebra"}
    assert (
        "shop-orders" not in read.state["bookmarks"]
        or read.state["bookmarks"]["shop-orders"].get("last") is None
    )


@pytest.mark.security(17)
@pytest.mark.parametrize(
    "key",
    [
        "incremental/shop.people/year=2025/month=08/day=03/hour=04/"
        "2025-08-03_04-05-06_batch_0001.parquet",
        "../incremental/shop.orders/x.parquet",
        "s3://elsewhere/incremental/shop.orders/x.parquet",
        "/etc/passwd",
        "",
    ],
)
def test_a_manifest_that_names_what_is_not_its_tables_is_refused(
    lake: Any, read: Any, key: str
) -> None:
    name = lake.place.layout.root + key if key.startswith("incremental") else key
    file = replace(lake.put_file(lake.orders(1)), key=name)
    lake.put_manifest(lake.manifest(file, columns=lake.orders(1).schema))
    with pytest.raises(LakeError):
        read()
    assert read.of("BATCH") == []


@pytest.mark.security(17)
@pytest.mark.parametrize(
    "lie",
    [
        {"stream": "shop-people"},
        {"run_id": "other"},
        {"part": 2},
        {"version": 2},
        {"files": "none"},
        {"schema": None},
        {"extracted_at": "2025-08-03T04:05:07Z"},
        {"rows": 77},
    ],
)
def test_a_manifest_that_contradicts_its_key_or_itself_is_refused(
    lake: Any, read: Any, lie: dict[str, Any]
) -> None:
    manifest = lake.manifest(lake.put_file(lake.orders(1)), columns=lake.orders(1).schema)
    lake.put_manifest(manifest, **lie)
    with pytest.raises(LakeError):
        read()
    assert read.of("BATCH") == []


@pytest.mark.security(16)
def test_what_is_no_manifest_is_passed_over(lake: Any, read: Any) -> None:
    committed = lake.commit(lake.orders(1))
    root = lake.place.layout.manifests_root
    for stray in ("shop.orders/notes.txt", "shop.orders/x/y.json", "%2e%2e/x.json", "x.json"):
        lake.client.put_object(Bucket=lake.bucket, Key=root + stray, Body=b"{}")
    read()
    assert read.keys == [committed.files[0].key]


@pytest.mark.fault(20)
@pytest.mark.parametrize("text", ["", "{", "[]", '"/etc/passwd"', "[" * 100_000], ids=range(5))
def test_what_is_no_state_is_neither_an_empty_one_nor_the_name_of_a_file(text: str) -> None:
    with pytest.raises(StateError, match="not Singer state"):
        TapS3Parquet.invoke(config=None, state=io.StringIO(text))


@pytest.mark.fault(20)
@pytest.mark.fault(21)
@pytest.mark.security(16)
@pytest.mark.parametrize(
    "damage",
    [
        {"replication_key": "update_at"},
        {"replication_key_value": "yesterday"},
        {"replication_key_value": 5},
        {"last": "manifests/shop.people/2025-08-03_04-05-06_run_0001.json"},
        {"last": "../../x"},
        {"manifests": {"until": "no", "recent": []}},
        {"manifests": {"until": None, "recent": "all"}},
        {"manifests": {"until": None, "recent": [{"a": 1}]}},
        {"manifests": {"recent": []}},
        {"manifests": 7},
    ],
)
def test_a_damaged_bookmark_stops_the_table_and_never_means_everything_anew(
    lake: Any, read: Any, damage: dict[str, Any]
) -> None:
    lake.commit(lake.orders(1))
    read()
    read.state["bookmarks"]["shop-orders"].update(damage)
    kept = dict(read.bookmark)
    with pytest.raises(StateError, match="tidemark watermark reset"):
        read()
    assert read.of("BATCH") == []
    assert read.bookmark == kept, "the bookmark is left to be looked at"


@pytest.mark.fault(58)
def test_the_sources_replication_key_goes_with_its_rows(lake: Any, read: Any) -> None:
    """An upsert tells a key's newest row by it; extraction times of runs that overlap would lie."""
    lake.commit(lake.orders(1), bookmark={"replication_key": "update_at"})
    lake.commit(lake.orders(2), bookmark={"replication_key": "no_column"})
    read()
    told = [message.get("bookmark_properties") for message in read.of("SCHEMA")]
    assert told == [["update_at"], None]


@pytest.mark.fault(134)
def test_a_forged_manifest_stops_its_own_table_alone(lake: Any, read: Any) -> None:
    lake.commit(lake.orders(1))
    manifest = lake.commit(lake.orders(2))
    key = manifest.key(lake.place.layout)
    lake.client.put_object(Bucket=lake.bucket, Key=key, Body=b"[" * 200_000)
    lake.table = TableName("shop", "zebra")
    good = lake.commit(lake.orders(4))
    with pytest.raises(LakeError, match=r"cannot be read.*shop\.orders"):
        read()
    assert good.files[0].key in read.keys


@pytest.mark.fault(159)
def test_files_say_how_they_were_read_and_records_say_nothing(lake: Any, read: Any) -> None:
    for method in (None, "INCREMENTAL", "FULL_TABLE", "FULL_TABLE"):
        manifest = lake.manifest(
            lake.put_file(lake.orders(1), run="run"), columns=lake.orders().schema
        )
        lake.put_manifest(replace(manifest, replication_method=method))
        lake.moment += timedelta(hours=1)
    read()
    told = [message["schema"].get(METHOD) for message in read.of("SCHEMA")]
    assert told == [None, "INCREMENTAL", "FULL_TABLE"]
    assert [len(message["manifest"]) for message in read.of("BATCH")] == [1, 1, 2]
    read.state = {}
    read(s3_output="records")
    assert [message for message in read.of("SCHEMA") if METHOD in message["schema"]] == []
