"""BATCH messages: files are checked, uploaded, committed; only then is STATE passed on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tidemark_core.errors import LakeError
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import LOG_BASED, METHOD, ROW_METADATA
from tidemark_singer.files.batch_file import BatchFile

FOLDER = "incremental/shop.orders/year=2025/month=08/day=03/hour=04/2025-08-03_04-05-06_batch_"


def test_a_file_goes_into_the_lake_as_it_is_and_is_named_by_a_manifest(
    lake: Any, feed: Any, say: Any, make_file: Any
) -> None:
    file = make_file(
        say.orders(1, 2, 3),
        stats={"min": "1", "max": "3"},
        conversions={"update_at": {"zero_date": 2}},
    )
    before = Path(file.path).read_bytes()
    passed = feed(say.schema(), say.batch(file), say.state(3))

    assert passed == [say.state(3)["value"]]
    assert not Path(file.path).exists(), "the local file is removed"
    assert lake.body(FOLDER + "0001.parquet") == before, "byte for byte"
    [manifest] = lake.manifests("shop.orders/")
    [only] = manifest.files
    assert only.key == lake.place.layout.root + FOLDER + "0001.parquet"
    assert (only.rows, only.size, only.stats) == (3, len(before), {"min": "1", "max": "3"})
    head = lake.client.head_object(Bucket=lake.place.bucket, Key=only.key)
    assert head["ETag"].strip('"') == only.etag
    assert manifest.extracted_at == datetime(2025, 8, 3, 4, 5, 6, tzinfo=UTC)
    assert manifest.bookmark == {"at": 3}
    assert manifest.conversions == {"update_at": {"zero_date": 2}}
    assert manifest.key_properties == ("id",)
    assert manifest.schema["properties"] == say.schema()["schema"]["properties"]
    assert manifest.fence > 0


def test_files_are_numbered_through_the_run_and_each_state_has_its_manifest(
    lake: Any, feed: Any, say: Any, make_file: Any
) -> None:
    passed = feed(
        say.schema(),
        say.batch(make_file(say.orders(1)), make_file(say.orders(2))),
        say.state(2),
        say.batch(make_file(say.orders(3))),
        say.state(3),
    )
    assert passed == [say.state(2)["value"], say.state(3)["value"]]
    first, second = lake.manifests()
    assert [file.key[-12:] for file in first.files] == ["0001.parquet", "0002.parquet"]
    assert [file.key[-12:] for file in second.files] == ["0003.parquet"]
    assert (first.part, second.part, first.run_id) == (1, 2, second.run_id)
    assert [row["id"] for row in lake.rows()] == [1, 2, 3]


@pytest.mark.fault(182)
def test_what_rows_read_by_the_log_say_of_themselves_is_kept(
    lake: Any, feed: Any, say: Any, make_file: Any
) -> None:
    """And the manifest tells it from the source's columns; of other streams it is left out."""
    schema = say.schema()
    schema["schema"] |= {METHOD: LOG_BASED}
    schema["schema"]["properties"] |= ROW_METADATA
    at = datetime(2025, 8, 3, 4, 5, 6, 7)
    times = pa.array([at, at], pa.timestamp("us")), pa.array([None, at], pa.timestamp("us"))
    rows = say.orders(1, 2)
    for name, values in zip(ROW_METADATA, times, strict=True):
        rows = rows.append_column(name, values)
    file = make_file(rows)
    before = Path(file.path).read_bytes()
    feed(schema, say.batch(file), say.state(1))
    [manifest] = lake.manifests()
    assert manifest.is_log_based
    assert list(manifest.columns) == list(say.schema()["schema"]["properties"])
    assert list(manifest.schema["properties"]) == [*manifest.columns, *ROW_METADATA]
    assert lake.body(FOLDER + "0001.parquet") == before, "byte for byte"


def test_nothing_new_commits_nothing_and_passes_the_state_on(
    lake: Any, feed: Any, say: Any
) -> None:
    assert feed(say.schema(), say.state(9)) == [say.state(9)["value"]]
    assert lake.keys("manifests/") == []


@pytest.mark.fault(43)
def test_without_its_state_a_file_stays_an_orphan(
    lake: Any, feed: Any, say: Any, make_file: Any
) -> None:
    with pytest.raises(LakeError, match="before the STATE"):
        feed(
            say.schema(),
            say.batch(make_file(say.orders(1))),
            say.state(1),
            say.batch(make_file(say.orders(2))),
        )
    assert feed.passed == [say.state(1)["value"]]
    assert len(lake.keys("incremental/")) == 2
    assert [row["id"] for row in lake.rows()] == [1]


@pytest.mark.parametrize(("facts", "says"), [({"rows": 2}, "3 rows, but its BATCH message says 2")])
def test_a_row_count_that_is_not_what_the_tap_says_is_refused(
    lake: Any, feed: Any, say: Any, make_file: Any, facts: dict[str, Any], says: str
) -> None:
    with pytest.raises(LakeError, match=says):
        feed(say.schema(), say.batch(make_file(say.orders(1, 2, 3), **facts)), say.state(1))
    assert feed.passed == []
    assert lake.keys("incremental/") == []


@pytest.mark.parametrize("keep", [0, 4, 100, -4, -9])
def test_half_a_file_is_refused(lake: Any, feed: Any, say: Any, make_file: Any, keep: int) -> None:
    file = make_file(say.orders(1, 2, 3))
    path = Path(file.path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(LakeError, match=r"cannot be read as Parquet.*shop\.orders"):
        feed(say.schema(), say.batch(file), say.state(1))
    assert lake.keys("incremental/") == []
    assert path.exists(), "what could not be taken is left to be looked at"


@pytest.mark.security(32)
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("kind", ["missing", "link", "folder"])
def test_only_regular_files_are_taken(
    lake: Any, feed: Any, say: Any, make_file: Any, tmp_path: Path, kind: str, form: str
) -> None:
    file = Path(make_file(say.orders(1)).path)
    if form == "jsonl":
        file.write_text('{"id": 1}\n')
    odd = tmp_path / "odd"
    if kind == "link":
        odd.symlink_to(file)
    elif kind == "folder":
        odd.mkdir()
    with pytest.raises(LakeError, match="odd"):
        feed(say.schema(), say.batch(BatchFile.local(str(odd), rows=1), form=form), say.state(1))
    assert file.exists()
    assert odd.is_symlink() == (kind == "link")
    assert lake.keys("incremental/") == []


@pytest.mark.security(32)
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("scheme", ["http", "ftp", "s3"])
def test_only_files_of_this_machine_are_taken(feed: Any, say: Any, scheme: str, form: str) -> None:
    with pytest.raises(LakeError, match=f"{scheme}://"):
        feed(say.schema(), say.batch(BatchFile(f"{scheme}://h/x"), form=form), say.state(1))


@pytest.mark.fault(50)
def test_other_widths_and_orders_and_missing_columns_are_brought_to_the_one_schema(
    lake: Any, feed: Any, say: Any, make_file: Any
) -> None:
    odd = pa.table(
        {
            "price": pa.array(["1.50", None]),
            "id": pa.array([7, 8], pa.int16()),
            "update_at": pa.array(["2025-01-01T01:00:00+01:00", None]),
        }
    )
    feed(say.schema(), say.batch(make_file(odd), make_file(say.orders(9))), say.state(1))
    schemas = {lake.parquet(file.key).schema_arrow for file in lake.manifests()[0].files}
    assert len(schemas) == 1
    assert {row["id"]: row["price"] for row in lake.rows()}.keys() == {7, 8, 9}
    seven = lake.rows()[1] if lake.rows()[0]["id"] == 9 else lake.rows()[0]
    assert (str(seven["price"]), seven["name"]) == ("1.50", None)
    assert seven["update_at"] == datetime(2025, 1, 1)


@pytest.mark.fault(50)
def test_a_value_that_does_not_fit_is_refused(feed: Any, say: Any, make_file: Any) -> None:
    odd = say.orders(1).set_column(2, "price", pa.array(["1.234"]))
    with pytest.raises(LakeError, match=r"decimal\(10,2\).*column price"):
        feed(say.schema(), say.batch(make_file(odd)), say.state(1))


def test_a_column_that_the_schema_has_not_is_refused(feed: Any, say: Any, make_file: Any) -> None:
    odd = say.orders(1).append_column("extra", pa.array([1]))
    with pytest.raises(LakeError, match="column extra"):
        feed(say.schema(), say.batch(make_file(odd)), say.state(1))


def test_schema_metadata_of_python_is_left_out(
    lake: Any, feed: Any, say: Any, tmp_path: Path
) -> None:
    path = tmp_path / "pandas.parquet"
    told = say.orders(1).replace_schema_metadata({"pandas": "{}", "path": "s3://elsewhere/x"})
    pq.write_table(told, path)
    feed(say.schema(), say.batch(BatchFile.local(str(path), rows=1)), say.state(1))
    [file] = lake.manifests()[0].files
    assert lake.parquet(file.key).metadata.metadata is None
    assert len(lake.rows()) == 1


def test_the_schema_may_not_change_inside_a_run(
    lake: Any, feed: Any, say: Any, make_file: Any
) -> None:
    wider = say.columns | {"id": ColumnType("int32"), "note": ColumnType("string")}
    with pytest.raises(LakeError, match=r"note is new, id was int64 and is int32") as caught:
        feed(
            say.schema(),
            say.batch(make_file(say.orders(1))),
            say.state(1),
            say.schema(wider),
        )
    assert "S3_SCHEMA_CHANGES" in str(caught.value)
    assert feed.passed == [say.state(1)["value"]]
    assert len(lake.manifests()) == 1


def test_an_accepted_change_has_a_manifest_of_its_own(
    lake: Any, feed: Any, say: Any, make_file: Any
) -> None:
    wider = say.columns | {"note": ColumnType("string")}
    more = say.orders(2).append_column("note", pa.array(["x"]))
    feed(
        say.schema(),
        say.batch(make_file(say.orders(1))),
        say.schema(wider),
        say.batch(make_file(more)),
        say.state(2),
        s3_schema_changes="accept",
    )
    first, second = lake.manifests()
    assert "note" not in first.schema["properties"]
    assert "note" in second.schema["properties"]
    assert [row["id"] for row in lake.rows()] == [1, 2]


def test_the_same_schema_again_is_no_change(feed: Any, say: Any, make_file: Any) -> None:
    schema = say.schema()
    again = json.loads(json.dumps(schema))
    again["schema"]["properties"]["name"]["description"] = "for people"
    file = make_file(say.orders(1))
    assert feed(schema, say.batch(file), again, say.state(1)) == [say.state(1)["value"]]


@pytest.mark.security(16)
@pytest.mark.parametrize("stream", ["../../etc-passwd", "a/b", "x\x01y", "a-../..", "%2e%2e-t"])
def test_a_hostile_stream_name_stays_inside_the_lake(
    lake: Any, feed: Any, say: Any, make_file: Any, stream: str
) -> None:
    say.stream = stream
    feed(say.schema(), say.batch(make_file(say.orders(1))), say.state(1))
    [manifest] = lake.manifests()
    assert manifest.table == TableName.from_stream(stream)
    everything = [
        item["Key"]
        for item in lake.client.list_objects_v2(
            Bucket=lake.place.bucket, Prefix=lake.place.layout.root
        )["Contents"]
    ]
    assert all(".." not in key for key in everything)
    assert len(lake.keys("incremental/")) == 1


def test_rows_of_jsonl_batches_are_taken_too(
    lake: Any, feed: Any, say: Any, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": 1, "price": "2.50"}\n{"id": 2, "name": "é"}\n')
    feed(say.schema(), say.batch(BatchFile.local(str(path)), form="jsonl"), say.state(1))
    assert [(row["id"], row["name"]) for row in lake.rows()] == [(1, None), (2, "é")]
    assert not path.exists()


def test_a_batch_of_an_unknown_format_is_refused(feed: Any, say: Any, make_file: Any) -> None:
    with pytest.raises(LakeError, match="avro"):
        feed(say.schema(), say.batch(make_file(say.orders(1)), form="avro"), say.state(1))
