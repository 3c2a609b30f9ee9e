"""RECORD messages of any tap: exact types, few and large files, a STATE only behind its rows."""

from __future__ import annotations

import itertools
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from singer_sdk.exceptions import MissingKeyPropertiesError
from target_s3_parquet.files.rows import Memory, RowFile
from target_s3_parquet.files.schema import StreamSchema
from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.lake.parquet_writer import GROUP_ROWS
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType


def test_types_come_from_the_schema_whatever_the_values_are(lake: Any, feed: Any, say: Any) -> None:
    properties = {
        "id": {"type": "integer"},
        "small": {"type": ["null", "integer"], "minimum": 0, "maximum": 100},
        "price": {"type": ["null", "number"], "multipleOf": 0.01},
        "ratio": {"type": ["null", "number"]},
        "name": {"type": ["null", "string"], "maxLength": 30},
        "at": {"type": ["null", "string"], "format": "date-time"},
        "on_day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "yes": {"type": ["null", "boolean"]},
        "tags": {"type": ["null", "array"]},
        "empty": {"type": ["null", "string"], "format": "date-time"},
    }
    feed(
        say.plain_schema(properties),
        say.record(
            id=1,
            small=7,
            price=12.34,
            ratio=0.5,
            name="é",
            at="2025-08-03T06:05:06.123456+02:00",
            on_day="2025-08-03",
            yes=True,
            tags=["a", 1],
        ),
        say.record(id=2),
        say.state(2),
    )
    [manifest] = lake.manifests()
    [file] = manifest.files
    wanted: dict[str, pa.DataType] = {
        "id": pa.int64(),
        "small": pa.int8(),
        "price": pa.decimal128(38, 2),
        "ratio": pa.float64(),
        "name": pa.string(),
        "at": pa.timestamp("us"),
        "on_day": pa.date32(),
        "yes": pa.bool_(),
        "tags": pa.string(),
        "empty": pa.timestamp("us"),
    }
    assert lake.parquet(file.key).schema_arrow == pa.schema(wanted)
    first, second = lake.rows()
    assert first["price"] == Decimal("12.34")
    assert first["at"] == datetime(2025, 8, 3, 4, 5, 6, 123456)
    assert first["tags"] == '["a",1]'
    assert set(second.values()) == {2, None}
    exact = {k: v["x-tidemark-type"] for k, v in manifest.schema["properties"].items()}
    assert exact["price"] == "decimal(38,2)"
    assert exact["name"] == "string(30)"


def test_a_value_that_does_not_fit_names_table_column_and_key(
    lake: Any, feed: Any, say: Any
) -> None:
    with pytest.raises(LakeError) as caught:
        feed(say.schema(), say.record(id=1), say.record(id=77, price="1.999"), say.state(1))
    text = str(caught.value)
    assert "[table shop.orders, column price, key id=77]" in text
    assert "1.999" not in text
    assert feed.passed == []
    assert lake.keys("manifests/") == []


def test_a_record_without_its_key_is_refused(feed: Any, say: Any) -> None:
    with pytest.raises(MissingKeyPropertiesError):
        feed(say.schema(), say.record(name="x"))


def test_properties_that_the_schema_has_not_are_counted(lake: Any, feed: Any, say: Any) -> None:
    feed(say.schema(), say.record(id=1, more=5), say.record(id=2, more=None), say.state(1))
    assert lake.manifests()[0].conversions == {"more": {"not_in_schema": 1}}


def test_many_states_make_few_files_and_none_overtakes_its_rows(
    lake: Any, feed: Any, say: Any
) -> None:
    messages = [say.schema()]
    for number in range(1, 101):
        messages += [say.record(id=number), say.state(number)]
    passed = feed(*messages, s3_commit_rows=40, s3_commit_seconds=3600)
    assert [state["bookmarks"]["shop-orders"]["at"] for state in passed] == [40, 80, 100]
    assert [manifest.rows for manifest in lake.manifests()] == [40, 40, 20]
    assert [manifest.bookmark["at"] for manifest in lake.manifests()] == [40, 80, 100]


def test_a_state_is_committed_when_its_time_has_come(lake: Any, feed: Any, say: Any) -> None:
    messages = [say.schema(), say.record(id=1), say.state(1), say.record(id=2), say.state(2)]
    assert len(feed(*messages, s3_commit_seconds=0)) == 2
    assert [manifest.rows for manifest in lake.manifests()] == [1, 1]


def test_a_tap_that_writes_no_state_is_committed_at_its_end(lake: Any, feed: Any, say: Any) -> None:
    assert feed(say.schema(), say.record(id=1)) == []
    assert [row["id"] for row in lake.rows()] == [1]


def test_files_hold_no_more_rows_than_asked_for(lake: Any, feed: Any, say: Any) -> None:
    records = [say.record(id=number) for number in range(25)]
    feed(say.schema(), *records, say.state(1), s3_file_rows=10, batch_size_rows=7)
    [manifest] = lake.manifests()
    assert [file.rows for file in manifest.files] == [10, 10, 5]
    assert [row["id"] for row in lake.rows()] == list(range(25))


def test_rows_before_a_change_keep_their_schema(lake: Any, feed: Any, say: Any) -> None:
    wider = say.columns | {"note": ColumnType("string")}
    messages = [
        say.schema(),
        say.record(id=1),
        say.schema(wider),
        say.record(id=2, note="x"),
        say.state(2),
    ]
    feed(*messages, s3_schema_changes="accept")
    assert ["note" in manifest.schema["properties"] for manifest in lake.manifests()] == [
        False,
        True,
    ]
    with pytest.raises(LakeError, match="note is new"):
        feed(*messages)


def test_activate_version_deletes_nothing(lake: Any, feed: Any, say: Any) -> None:
    version = {"type": "ACTIVATE_VERSION", "stream": say.stream, "version": 2}
    feed(say.schema(), say.record(id=1), say.state(1))
    feed(say.schema(), version, say.record(id=2), version, say.state(2))
    assert {row["id"] for row in lake.rows()} == {1, 2}
    assert len(lake.manifests()) == 2


def test_a_bad_schema_is_refused_by_the_whole_check_when_asked(feed: Any, say: Any) -> None:
    schema = say.plain_schema({"id": {"type": "integer"}, "c": {"type": "string", "enum": ["a"]}})
    odd = say.record(id=1, c="b")
    assert feed(schema, odd, say.state(1))
    with pytest.raises(Exception, match="not one of"):
        feed(schema, odd, say.state(1), validate_records=True)


def test_the_rows_of_a_day_lie_in_its_folder(lake: Any, feed: Any, say: Any) -> None:
    days = ["2025-01-31T23:59:59Z", "2025-02-01T00:00:00Z", "2025-01-31T00:00:00Z", None]
    records = [say.record(id=n, update_at=day) for n, day in enumerate(days)]
    feed(say.schema(), *records, say.state(1), s3_partition_columns={"shop.orders": "update_at"})
    [manifest] = lake.manifests()
    root = lake.place.layout.data_prefix(TableName("shop", "orders"))
    null = "__HIVE_DEFAULT_PARTITION__"
    rows = {
        file.key.removeprefix(root).rpartition("/")[0]: {
            row["id"] for row in lake.parquet(file.key).read().to_pylist()
        }
        for file in manifest.files
    }
    assert rows == {
        "year=2025/month=01/day=31/hour=00": {0, 2},
        "year=2025/month=02/day=01/hour=00": {1},
        f"year={null}/month={null}/day={null}/hour={null}": {3},
    }
    assert len({file.key.rpartition("_")[2] for file in manifest.files}) == 3


@pytest.mark.fault(52)
def test_a_row_that_moves_to_another_day_is_there_in_both_versions(
    lake: Any, feed: Any, say: Any
) -> None:
    by_day = {"s3_partition_columns": {"shop.orders": "update_at"}}
    for day in ("2025-01-31", "2025-02-01"):
        feed(say.schema(), say.record(id=1, update_at=f"{day}T00:00:00Z"), say.state(1), **by_day)
    versions = sorted(row["update_at"] for row in lake.rows())
    assert versions == [datetime(2025, 1, 31), datetime(2025, 2, 1)], "the load keeps the newest"


@pytest.mark.parametrize("column", ["name", "nothing"])
def test_only_a_date_column_can_lay_a_table_out(feed: Any, say: Any, column: str) -> None:
    with pytest.raises(ConfigError, match="S3_PARTITION_COLUMNS"):
        feed(say.schema(), s3_partition_columns={"shop.orders": column})


def test_files_of_batches_are_laid_out_by_day_too(
    lake: Any, feed: Any, say: Any, make_file: Any
) -> None:
    feed(
        say.schema(),
        say.batch(make_file(say.orders(1, 2))),
        say.state(1),
        s3_partition_columns={"shop.orders": "update_at"},
    )
    [file] = lake.manifests()[0].files
    assert "/year=2025/month=08/day=03/hour=00/2025-08-03_04-05-06_batch_" in file.key


def test_many_days_need_few_open_files(
    lake: Any, feed: Any, say: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("target_s3_parquet.file_group._OPEN_FILES", 3)
    days = [f"2024-01-{n % 7 + 1:02d}T00:00:00Z" for n in range(28)]
    records = [say.record(id=n, update_at=day) for n, day in enumerate(days)]
    by_day = {"s3_partition_columns": {"shop.orders": "update_at"}}
    feed(say.schema(), *records, say.state(1), **by_day)
    assert len(lake.manifests()[0].files) == 7
    assert {row["id"] for row in lake.rows()} == set(range(28))


@pytest.mark.fault(47)
def test_a_full_disk_stops_the_run_and_leaves_nothing(
    lake: Any, feed: Any, say: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        return open("/dev/full", "w+b", buffering=0)  # noqa: PTH123

    monkeypatch.setattr("target_s3_parquet.files.rows.tempfile.TemporaryFile", full)
    with pytest.raises(LakeError, match="No space left") as caught:
        feed(say.schema(), say.record(id=1), say.state(1))
    assert "S3_TEMP_DIR" in str(caught.value)
    assert lake.keys("manifests/") == []


@pytest.fixture
def numbers() -> tuple[StreamSchema, pa.RecordBatch]:
    """A stream of one column, and 50,000 rows of it."""
    schema = StreamSchema.parse(
        TableName("a", "b"), {"properties": {"id": {"type": "integer"}}}, ["id"]
    )
    rows = pa.array(range(50_000), pa.int64())
    return schema, pa.RecordBatch.from_arrays([rows], schema=schema.arrow)


def test_memory_holds_no_more_than_a_row_group(
    numbers: tuple[StreamSchema, pa.RecordBatch],
) -> None:
    schema, batch = numbers
    file = RowFile(schema, None, Memory())
    held = []
    for _ in range(12):
        file.add(batch.slice(0, 10_000))
        held.append(file.waiting)
    assert 0 < max(held) < GROUP_ROWS * 8
    assert file.rows == 120_000
    file.drop()


def test_many_files_at_once_hold_no_more_memory_than_a_few(
    numbers: tuple[StreamSchema, pa.RecordBatch],
) -> None:
    schema, batch = numbers
    memory = Memory(limit=3 * batch.nbytes)
    files = [RowFile(schema, None, memory) for _ in range(20)]
    for _ in range(2):
        for file in files:
            file.add(batch)
            assert memory.held <= 3 * batch.nbytes
    assert {pq.read_metadata(file.finish()).num_rows for file in files} == {100_000}
    for file in files:
        file.drop()
    assert memory.held == 0


def test_states_are_never_passed_twice(feed: Any, say: Any) -> None:
    passed = feed(say.schema(), say.state(1), say.record(id=1), say.state(1), say.state(1))
    assert all(one != other for one, other in itertools.pairwise(passed))
