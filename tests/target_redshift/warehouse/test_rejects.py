"""Rows and files that COPY refuses, and other troubles of S3 and of the settings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from botocore.response import StreamingBody
from statements import Intercept
from target_redshift.staging.load_file import LoadFile, fetch
from target_redshift.warehouse.copy_rejects import key_of
from tidemark_core.errors import ConfigError, LakeError, WarehouseError
from tidemark_core.names import TableName
from tidemark_core.redshift.connection import WarehouseConnection

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('7,"x",1', "id=7"),
        ('7,"cut of', "id=7"),
        ("7", None),
        ("", None),
        (None, None),
    ],
)
def test_the_key_is_read_out_of_a_refused_line(raw: str | None, expected: str | None) -> None:
    assert key_of(raw, ["id", "name", "n"], ["id"]) == expected
    assert key_of(raw, ["id", "name", "n"], []) is None


@pytest.mark.fault(53)
@pytest.mark.fault(105)
@pytest.mark.security(10)
def test_refused_rows_are_shown_by_file_line_column_reason_and_key(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    good = table.arrow([(41, "good", None), (42, "canary", None)])
    broken = pa.Array.from_buffers(
        pa.string(),
        2,
        [None, *pa.array(["good", "canary"]).buffers()[1:2], pa.py_buffer(b"goodcanar\xff")],
    )
    file = table.write(good.set_column(1, "name", broken))
    done = lake.run(table.schema(), table.batch(file), state)
    assert done.code == 1
    assert done.states == []
    for word in ("nothing was loaded", "part-0000-0001.csv.gz line 1", "column name", "id=42"):
        assert word in done.errors
    assert "canar" not in done.errors
    assert [row[0] for row in table.rows("id")] == [1]
    assert len(table.ledger()) == 1
    assert lake.staged(table) == []


@pytest.mark.fault(53)
@pytest.mark.security(10)
def test_a_refused_file_of_the_lake_is_shown_with_column_and_reason(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    file = table.write([(1, "good", None), (2, "canary" * 20, None)])
    with pytest.raises(WarehouseError) as caught:
        lake.load(table.schema(), table.batch(file), state, load_format="parquet")
    for word in ("batch_0001.parquet", "column 'name'", "120 bytes long"):
        assert word in str(caught.value)
    assert "canary" not in str(caught.value)
    assert table.ledger() == []


@pytest.mark.fault(49)
def test_a_part_that_was_cut_off_on_its_way_stops_the_load(
    lake: Lake, table: Table, state: dict[str, Any], intercept: Intercept
) -> None:
    def cut(*_: object) -> None:
        key = next(key for key in lake.staged(table) if key.endswith(".gz"))
        body = lake.client.get_object(Bucket=lake.s3.bucket, Key=key)["Body"].read()
        lake.client.put_object(Bucket=lake.s3.bucket, Key=key, Body=body[:-12])

    intercept("COPY", cut, times=None)
    with pytest.raises(WarehouseError):
        lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert table.ledger() == []


@pytest.mark.fault(48)
def test_a_part_that_is_missing_stops_the_load(
    lake: Lake, table: Table, state: dict[str, Any], intercept: Intercept
) -> None:
    def remove(*_: object) -> None:
        key = next(key for key in lake.staged(table) if key.endswith(".gz"))
        lake.client.delete_object(Bucket=lake.s3.bucket, Key=key)

    intercept("COPY", remove, times=None)
    with pytest.raises(WarehouseError):
        lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert table.ledger() == []


@pytest.mark.fault(54)
def test_another_number_of_rows_than_were_staged_is_rolled_back(
    lake: Lake, table: Table, state: dict[str, Any], intercept: Intercept
) -> None:
    def miscount(connection: WarehouseConnection, sql: str) -> list[tuple[int]]:
        ((rows,),) = connection.execute(sql)
        return [(rows - 1,)]

    intercept(".*pg_last_copy_count", miscount)
    file = table.write([(1, "a", None), (2, "b", None)])
    with pytest.raises(WarehouseError, match="COPY loaded 1 rows, but 2 were staged"):
        lake.load(table.schema(), table.batch(file), state)
    assert table.ledger() == []


@pytest.mark.fault(45)
def test_a_bucket_that_is_not_there_is_said_so(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    file = table.write([(1, "a", None)])
    with pytest.raises(LakeError, match=r"(?s)NoSuchBucket.*S3_BUCKET_NAME"):
        lake.load(
            table.schema(),
            table.batch(type(file).s3("no-such-bucket", file.s3_location[1], **file.facts)),
            state,
            s3_bucket_name="no-such-bucket",
        )


@pytest.mark.fault(41)
def test_a_passing_fault_of_s3_is_tried_again(
    lake: Lake, table: Table, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.client import BaseClient
    from botocore.exceptions import ClientError

    call = BaseClient._make_api_call  # type: ignore[attr-defined]
    failed: list[str] = []

    def fail(self: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "PutObject" and "part-" in arguments["Key"] and not failed:
            failed.append(operation)
            busy: Any = {"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
            raise ClientError(busy, operation)
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", fail)
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert failed
    assert table.rows("id") == [(1,)]
    assert lake.staged(table) == []


@pytest.mark.fault(47)
def test_a_full_disk_stops_the_load_and_leaves_no_temporary_file(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    import errno
    import tempfile

    from target_redshift.staging.part_writer import PartWriter

    def full(self: PartWriter, data: bytes, rows: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(PartWriter, "write", full)
    with pytest.raises(LakeError, match=r"(?s)No space left.*TMPDIR"):
        lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert list(tmp_path.iterdir()) == []
    assert table.ledger() == []


@pytest.mark.fault(47)
def test_a_disk_that_fills_up_while_a_file_is_fetched_leaves_no_connection_open(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, key = lake.s3.bucket, "incremental/large.parquet"
    lake.client.put_object(Bucket=bucket, Key=key, Body=bytes(24 << 20))
    file = LoadFile(key, "", 1, 24 << 20, datetime(2026, 1, 1, tzinfo=UTC), bucket=bucket)
    (tmp_path / "000000.part").symlink_to("/dev/full")
    closed, close = [], StreamingBody.close

    def noted(body: StreamingBody) -> None:
        closed.append(body)
        close(body)

    monkeypatch.setattr(StreamingBody, "close", noted)
    with pytest.raises(LakeError, match=r"(?s)No space left.*TMPDIR"):
        fetch(lake.client, file, tmp_path, 0, TableName("shop", "t"))
    assert len(closed) == 1


def test_what_a_dead_load_has_staged_is_removed_by_the_next(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    for n in range(3):
        key = f"{lake.s3.layout.staging_prefix(table.name, 123)}part-{n}.csv.gz"
        lake.client.put_object(Bucket=lake.s3.bucket, Key=key, Body=b"x")
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert lake.staged(table) == []


def test_temporary_files_are_private_and_gone_afterwards(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    intercept: Intercept,
    tmp_path: Path,
) -> None:
    import tempfile

    modes: list[int] = []

    def look(*_: object) -> None:
        modes.extend(path.stat().st_mode & 0o777 for path in tmp_path.iterdir())

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    intercept("", look, times=None)
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert set(modes) == {0o700}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.security(7)
def test_no_secret_is_in_any_output(lake: Lake, table: Table, state: dict[str, Any]) -> None:
    secrets = [lake.config["redshift_password"], lake.config["s3_secret_key"]]
    done = lake.run(
        table.schema(),
        table.batch(table.write([(1, "canary-row", None)])),
        state,
        environ={"DEBUG": "true", "LOG_LEVEL": "DEBUG"},
    )
    assert done.code == 0, done.errors
    for word in [*secrets, "canary-row"]:
        assert word not in done.errors


def test_a_missing_role_is_said_before_anything_is_read(lake: Lake, table: Table) -> None:
    done = lake.run(table.schema(), redshift_iam_role="")
    assert done.code == 2
    assert "REDSHIFT_IAM_ROLE" in done.errors
    assert "Traceback" not in done.errors


def test_parquet_and_upsert_do_not_go_together(lake: Lake, table: Table) -> None:
    with pytest.raises(ConfigError, match="LOAD_FORMAT"):
        lake.load(table.schema(), load_format="parquet", load_method="upsert")


@pytest.mark.security(18)
def test_an_analyst_does_not_see_what_is_loaded(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    with pytest.raises(Exception, match="permission denied"):
        lake.sql(f"SELECT * FROM {table.landing}", user="tidemark_analyst")
