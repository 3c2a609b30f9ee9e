"""Records and JSON lines of any tap."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_redshift.model.landing_table import LandingTable
from target_redshift.singer.record_batch import to_batch
from tidemark_core.errors import LakeError, SourceError, WarehouseError
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.conversions import Conversions
from tidemark_core.types.singer_schema import to_json_schema
from tidemark_singer.files.batch_file import BatchFile

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table


def one(kind: str, value: Any, counts: Conversions | None = None) -> Any:
    counts = Conversions() if counts is None else counts
    properties = {
        "ID": to_json_schema(ColumnType.parse("int64")),
        "v": to_json_schema(ColumnType.parse(kind)),
    }
    table = LandingTable.from_schema(TableName("", "t"), {"properties": properties}, ["ID"])
    batch = to_batch(table, [{"ID": 7, "v": value}], counts)
    return batch.column("v")[0].as_py()


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int8", 2, 2),
        ("int64", Decimal("5"), 5),
        ("float64", Decimal("0.5"), 0.5),
        ("decimal(10,2)", "1.50", Decimal("1.50")),
        ("decimal(10,2)", 1.5, Decimal("1.50")),
        ("decimal(38,0)", "1" * 38, Decimal("1" * 38)),
        ("string", "x", "x"),
        ("string", {"a": [1, "é"]}, '{"a":[1,"é"]}'),
        ("json", {"a": None}, '{"a":null}'),
        ("json", {"n": Decimal("1.10")}, '{"n":1.10}'),
        ("json", '{"a":1}', '{"a":1}'),
        ("binary", "AP8A", b"\x00\xff\x00"),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("date", "2024-02-29T00:00:00Z", date(2024, 2, 29)),
        ("timestamp(6)", "2024-01-01T00:00:00.000001Z", datetime(2024, 1, 1, 0, 0, 0, 1)),
        ("timestamp(6)", "2024-01-01T02:00:00+02:00", datetime(2024, 1, 1)),
        ("timestamp(0)", "0001-01-01T00:00:00", datetime(1, 1, 1)),
        ("boolean", False, False),
    ],
)
def test_json_values_become_exact_ones(kind: str, value: Any, expected: Any) -> None:
    found = one(kind, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.security(10)
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int64", "canary"),
        ("int64", 2**63),
        ("int8", 128),
        ("int64", Decimal("1.5")),
        ("decimal(10,2)", "1.005"),
        ("decimal(10,2)", "123456789.00"),
        ("decimal(10,2)", "NaN"),
        ("int64", "12"),
        ("date", "canary"),
        ("date", "2024-02-29T13:00:00Z"),
        ("timestamp(6)", "2024-13-01"),
        ("boolean", "canary"),
        ("binary", "canary!"),
    ],
)
def test_values_that_do_not_fit_stop_with_column_and_key_but_not_the_value(
    kind: str, value: Any
) -> None:
    with pytest.raises(WarehouseError) as caught:
        one(kind, value)
    assert (caught.value.column, caught.value.key) == ("v", "ID=7")
    assert "canary" not in str(caught.value)
    assert str(value) not in str(caught.value)


def test_json_keeps_the_digits_that_it_came_with(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    table.columns["data"] = ColumnType.parse("json")
    told = '{"n":12345678901234567890123,"price":1.10,"small":1E-7}'
    record = (
        f'{{"type": "RECORD", "stream": "{table.name.stream}", '
        f'"record": {{"ID": 1, "data": {told}}}}}\n'
    )
    done = lake.run(table.schema(), record, state)
    assert done.code == 0, done.errors
    assert table.rows("data") == [(told,)]


def test_what_is_changed_is_counted() -> None:
    counts = Conversions()
    assert one("timestamp(6)", "2024-01-01T00:00:00.1234567", counts).microsecond == 123456
    assert one("string", "half \ud800", counts) == "half \ufffd"
    assert counts == {"v": {"time_cut_to_microseconds": 1, "invalid_text_replaced": 1}}


@given(
    st.decimals(
        min_value=-(10**18), max_value=10**18, allow_nan=False, allow_infinity=False, places=4
    )
)
def test_decimals_are_never_rounded(number: Decimal) -> None:
    assert one("decimal(38,4)", str(number)) == number


def test_records_arrive_with_the_time_of_their_extraction(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    records: list[dict[str, Any]] = [
        {
            "type": "RECORD",
            "stream": table.name.stream,
            "record": {"ID": n, "name": f"name {n}", "amount": "1.10"},
            "time_extracted": "2026-05-06T07:08:09+00:00",
        }
        for n in range(3)
    ]
    records[2]["record"] |= {"_sdc_deleted_at": "2026-05-06T00:00:00Z", "unknown": "is ignored"}
    del records[2]["record"]["name"]
    assert lake.load(table.schema(), *records, state) == [state["value"]]
    assert table.rows("id, name, _sdc_extracted_at, _sdc_deleted_at") == [
        (0, "name 0", datetime(2026, 5, 6, 7, 8, 9), None),
        (1, "name 1", datetime(2026, 5, 6, 7, 8, 9), None),
        (2, None, datetime(2026, 5, 6, 7, 8, 9), datetime(2026, 5, 6)),
    ]
    ((name, rows, _, _),) = table.ledger()
    assert name.startswith("records:")
    assert rows == 3


def test_changed_values_of_records_are_told_with_the_load(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    table = lake.table({"ID": "int64", "at": "timestamp(6)"})
    record = {"ID": 1, "at": "2024-01-01T00:00:00.1234567"}
    lake.load(table.schema(), {"type": "RECORD", "stream": table.name.stream, "record": record})
    assert table.rows("at") == [(datetime(2024, 1, 1, 0, 0, 0, 123456),)]
    (told,) = [r.__dict__["conversions"] for r in caplog.records if "conversions" in r.__dict__]
    assert told == {"at": {"time_cut_to_microseconds": 1}}


def test_many_records_are_loaded_in_portions(lake: Lake, table: Table) -> None:
    records = [
        {"type": "RECORD", "stream": table.name.stream, "record": {"ID": n, "amount": None}}
        for n in range(250)
    ]
    lake.load(table.schema(), *records, batch_size_rows=100)
    assert sorted(rows for _, rows, _, _ in table.ledger()) == [50, 100, 100]


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_json_lines_of_a_batch_are_loaded(
    lake: Lake, table: Table, state: dict[str, Any], tmp_path: Path, compression: str | None
) -> None:
    text = "".join(json.dumps({"ID": n, "name": "x", "amount": "0.10"}) + "\n" for n in range(3))
    path = tmp_path / "lines"
    path.write_bytes(gzip.compress(text.encode()) if compression else text.encode())
    batch = {
        "type": "BATCH",
        "stream": table.name.stream,
        "encoding": {"format": "jsonl", "compression": compression},
        "manifest": [path.as_uri()],
    }
    lake.load(table.schema(), batch, state)
    assert table.rows("id, name, amount") == [(n, "x", Decimal("0.10")) for n in range(3)]


@pytest.mark.security(32)
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_only_regular_files_are_taken(
    lake: Lake, table: Table, state: dict[str, Any], tmp_path: Path, form: str
) -> None:
    file, odd = tmp_path / "file", tmp_path / "odd"
    pq.write_table(table.arrow([(1, "a", None)]), file)
    if form == "jsonl":
        file.write_text('{"ID": 1}\n')
    odd.symlink_to(file)
    batch = {
        "type": "BATCH",
        "stream": table.name.stream,
        "encoding": {"format": form},
        "manifest": [BatchFile.local(str(odd)).to_url()],
    }
    with pytest.raises(LakeError, match="odd"):
        lake.load(table.schema(), batch, state)
    assert file.exists()
    assert odd.is_symlink()


def test_json_lines_from_the_bucket_need_leave(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    key = f"elsewhere/{table.name.table}.jsonl"
    lake.client.put_object(Bucket=lake.s3.bucket, Key=key, Body=b'{"ID": 1}\n')
    batch = {
        "type": "BATCH",
        "stream": table.name.stream,
        "encoding": {"format": "jsonl"},
        "manifest": [f"s3://{lake.s3.bucket}/{key}"],
    }
    with pytest.raises(LakeError, match="is not a data file of this lake"):
        lake.load(table.schema(), batch, state)
    lake.load(table.schema(), batch, state, s3_batch_prefixes=["elsewhere/"])
    assert table.rows("id") == [(1,)]


def test_parquet_of_another_tap_is_loaded_from_the_bucket_once_and_with_leave(
    lake: Lake, table: Table, state: dict[str, Any], tmp_path: Path
) -> None:
    files = []
    for number in (1, 2):
        path, key = tmp_path / "some.parquet", f"elsewhere/{table.name.table}-{number}.parquet"
        pq.write_table(table.arrow([(number, "a", None)]), path)
        lake.client.put_object(Bucket=lake.s3.bucket, Key=key, Body=path.read_bytes())
        files.append(BatchFile.s3(lake.s3.bucket, key))
    messages = (table.schema(), table.batch(*files), state)
    with pytest.raises(LakeError, match="lacks required information"):
        lake.load(*messages)
    for _ in range(2):
        lake.load(*messages, s3_batch_prefixes=["elsewhere/"])
    assert table.rows("id") == [(1,), (2,)]
    assert [file for file, _, _, _ in table.ledger()] == [f.s3_location[1] for f in files]


def test_a_local_parquet_file_is_loaded_and_removed(
    lake: Lake, table: Table, state: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "0001.parquet"
    pq.write_table(table.arrow([(1, "a", None)]), path)
    file = BatchFile.local(str(path), rows=1, extracted_at="2026-01-01T00:00:00Z")
    lake.load(table.schema(), table.batch(file), state)
    assert table.rows("id, _sdc_extracted_at") == [(1, datetime(2026, 1, 1))]
    assert not path.exists()


def test_a_version_message_deletes_nothing(lake: Lake, table: Table, state: dict[str, Any]) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    version = {"type": "ACTIVATE_VERSION", "stream": table.name.stream, "version": 2}
    lake.load(table.schema(), version, state)
    assert len(table.rows()) == 1


@pytest.mark.security(10)
@pytest.mark.parametrize(
    "line", ['{"type": "RECORD", "record": {"secret": "canary"}}\n', '{"canary": 1,,}\n']
)
def test_a_broken_message_is_not_shown(lake: Lake, table: Table, line: str) -> None:
    done = lake.run(table.schema(), line)
    assert done.code == 1
    assert "canary" not in done.errors


def test_a_broken_message_is_an_error_of_the_source(lake: Lake) -> None:
    with pytest.raises(SourceError, match="without record"):
        lake.load({"type": "RECORD", "stream": "x"})
