"""Loading files of the lake into an append-only landing table, exactly once."""

from __future__ import annotations

import json
import logging
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from policies import Policies, police
from s3proxy import SealingProxy
from statements import Intercept
from tidemark_core.errors import LakeError, WarehouseError
from tidemark_core.logs import Event, fields_of

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table

ROWS = [(1, "one", Decimal("1.10")), (2, None, None), (3, "", Decimal("-3.00"))]


def test_rows_arrive_with_their_load_and_are_in_the_ledger(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    file = table.write(ROWS)
    done = lake.run(table.schema(), table.batch(file), state, **lake.bastion_config)
    assert done.code == 0, done.errors
    assert done.states == [state["value"]]
    assert table.rows("id, name, amount") == ROWS
    own = "_tidemark_load_id, _sdc_extracted_at, _sdc_deleted_at"
    ((load_id, extracted, deleted),) = lake.sql(f"SELECT DISTINCT {own} FROM {table.landing}")
    assert extracted == datetime(2026, 1, 2, 3, 4, 6)
    assert deleted is None
    ((name, rows, ledger_load, fence),) = table.ledger()
    assert (name, rows, ledger_load) == (file.s3_location[1], 3, load_id)
    assert fence > 0
    assert lake.staged(table) == []


@pytest.mark.security(13)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_loaders_policy_suffices(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    form: str,
    project_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = table.write(ROWS)
    rights = Policies.of(
        project_root / "orchestrate" / "iam",
        "loader",
        lake.s3.bucket,
        lake.s3.layout,
        "watermark/",
    )
    refused = police(rights, monkeypatch)
    lake.load(table.schema(), table.batch(file), state, load_format=form)
    assert refused == []
    assert len(table.rows()) == 3


@pytest.mark.parametrize("method", ["append-only", "upsert"])
def test_the_run_report_says_where_the_time_of_a_load_went(
    lake: Lake, table: Table, state: dict[str, Any], tmp_path: Path, method: str
) -> None:
    messages = (table.schema(), table.batch(table.write(ROWS)), state)
    done = lake.run(*messages, load_method=method, environ={"TIDEMARK_REPORT_DIR": str(tmp_path)})
    assert done.code == 0, done.errors
    (path,) = tmp_path.rglob("run-1_warehouse.json")
    ((steps, rows),) = [(t["steps"], t["rows"]) for t in json.loads(path.read_text())["tables"]]
    assert rows == 3
    staging = {"fetch", "read", "csv", "compress", "upload"}
    moving = {"copy", "insert"} if method == "upsert" else {"copy"}
    assert set(steps) == staging | moving | {"stage", "transaction", "load"}
    assert steps["load"] >= steps["stage"] + steps["transaction"]
    assert steps["transaction"] >= sum(steps[name] for name in moving)


def test_a_load_tells_how_far_it_is(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("LOG_PROGRESS_SECONDS", "0")
    caplog.set_level(logging.INFO)
    files = [table.write(ROWS), table.write([(4, "four", None)])]
    lake.load(table.schema(), table.batch(*files), state)
    told = [fields_of(r) for r in caplog.records if r.getMessage() == Event.TABLE_PROGRESS.value]
    assert {line["table"] for line in told} == {str(table.name)}
    assert {line["rows_expected"] for line in told} == {4}
    assert [line["rows"] for line in told] == sorted(line["rows"] for line in told)
    assert (told[-1]["rows"], told[-1]["ended"]) == (4, True)
    assert told[-1]["bytes"] > 0


@pytest.mark.parametrize(
    ("settings", "phases"),
    [
        ({"load_method": "append-only"}, ["", "COPY"]),
        ({"load_method": "overwrite"}, ["", "COPY"]),
        ({"load_method": "upsert"}, ["", "COPY", "insert"]),
        ({"load_format": "parquet"}, ["", "COPY", "insert"]),
    ],
)
def test_a_load_tells_each_phase_when_it_begins(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    settings: dict[str, str],
    phases: list[str],
) -> None:
    monkeypatch.setenv("LOG_PROGRESS_SECONDS", "0")
    caplog.set_level(logging.INFO)
    lake.load(table.schema(), table.batch(table.write(ROWS)), state, **settings)
    told = [fields_of(r) for r in caplog.records if r.getMessage() == Event.TABLE_PROGRESS.value]
    assert [phase for phase, _ in groupby(line["phase"] for line in told)] == phases
    running = [line for line in told if line["phase"] and not line["ended"]]
    assert [line["phase"] for line in running] == phases[1:]
    assert {line["rows"] for line in running} == {line["rows_expected"] for line in told} == {3}
    assert told[-1]["ended"]


@pytest.mark.security(11)
def test_staged_parts_and_their_manifest_are_sealed_and_every_request_names_the_owner(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    key, owner = "arn:aws:kms:us-east-1:123456789012:key/0451", "123456789012"
    s3 = lake.s3
    file = table.write(ROWS)
    proxy = SealingProxy(str(s3.endpoint_url), str(s3.access_key), str(s3.secret_key), s3.region)
    with closing(proxy):
        lake.load(
            table.schema(),
            table.batch(file),
            state,
            s3_endpoint_url=proxy.endpoint,
            s3_server_side_encryption="aws:kms",
            s3_kms_key_id=key,
            s3_expected_bucket_owner=owner,
        )
    made = [request for request in proxy.requests if request.makes_an_object]
    for name in ("/part-", "/copy.manifest", "/warehouse.json"):
        assert any(name in request.path for request in made), name
    seal = "x-amz-server-side-encryption"
    assert {(r.headers[seal], r.headers[f"{seal}-aws-kms-key-id"]) for r in made} == {
        ("aws:kms", key)
    }
    assert {r.headers.get("x-amz-expected-bucket-owner") for r in proxy.requests} == {owner}
    assert len(table.rows()) == 3


def test_a_file_that_the_ledger_has_is_skipped_and_the_state_still_passed_on(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    first, second = table.write(ROWS), table.write([(4, "four", None)])
    lake.load(table.schema(), table.batch(first), state)
    assert lake.load(table.schema(), table.batch(first, second), state) == [state["value"]]
    assert [row[0] for row in table.rows("id")] == [1, 2, 3, 4]
    loads = [load for _, _, load, _ in table.ledger()]
    assert loads == sorted(set(loads)), "load ids must grow"


def test_the_files_of_all_batches_before_a_state_are_one_load(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    files = [table.write([(n, None, None)]) for n in range(5)]
    lake.load(table.schema(), *(table.batch(file) for file in files), state)
    assert len({load for _, _, load, _ in table.ledger()}) == 1
    # Each row keeps the time of its own file's extraction.
    assert len(set(table.rows("_sdc_extracted_at"))) == 5


def test_a_file_without_rows_is_remembered_and_adds_none(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    lake.load(table.schema(), table.batch(table.write([])), state)
    assert table.rows() == []
    assert [rows for _, rows, _, _ in table.ledger()] == [0]


def test_files_of_other_columns_and_orders_are_loaded_by_name(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    turned = table.arrow([(1, "one", Decimal("1.00"))]).select(["amount", "ID"])
    lake.load(table.schema(), table.batch(table.write(turned)), state)
    assert table.rows("id, name, amount") == [(1, None, Decimal("1.00"))]


@pytest.mark.fault(54)
def test_a_file_that_has_not_the_rows_of_its_manifest_stops_the_load(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    file = table.write(ROWS, rows=4)
    with pytest.raises(LakeError, match=r"has 3 rows, its manifest says 4"):
        lake.load(table.schema(), table.batch(file), state)
    assert table.ledger() == []


@pytest.mark.fault(134)
def test_a_file_that_has_not_the_size_of_its_manifest_stops_the_load(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    file = table.write(ROWS, bytes=2**46)
    with pytest.raises(LakeError, match=r"bytes, its manifest says 70368744177664"):
        lake.load(table.schema(), table.batch(file), state)
    assert table.ledger() == []
    assert lake.staged(table) == []


def test_an_object_that_was_written_over_is_not_loaded(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    file = table.write(ROWS, etag="0" * 32)
    with pytest.raises(LakeError, match="is not the committed version"):
        lake.load(table.schema(), table.batch(file), state)


def test_a_loaded_object_that_was_written_over_stops_with_a_way_out(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    file = table.write(ROWS)
    lake.load(table.schema(), table.batch(file), state)
    table.written -= 1
    other = table.write([(9, "nine", None)])
    with pytest.raises(WarehouseError, match=r"(?s)it was overwritten.*tidemark rebuild"):
        lake.load(table.schema(), table.batch(other), state)
    assert len(table.rows()) == 3


@pytest.mark.fault(48)
def test_a_file_that_is_gone_stops_the_load(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    file = table.write(ROWS)
    lake.client.delete_object(Bucket=lake.s3.bucket, Key=file.s3_location[1])
    with pytest.raises(LakeError, match="is missing"):
        lake.load(table.schema(), table.batch(file), state)
    assert table.ledger() == []


def test_a_damaged_file_stops_the_load(lake: Lake, table: Table, state: dict[str, Any]) -> None:
    key = table.write(ROWS).s3_location[1]
    answer = lake.client.put_object(Bucket=lake.s3.bucket, Key=key, Body=b"PAR1 not really PAR1")
    table.written -= 1
    file = type(table.write(ROWS)).s3(
        lake.s3.bucket, key, rows=3, etag=answer["ETag"].strip('"'), extracted_at="2026-01-02"
    )
    lake.client.put_object(Bucket=lake.s3.bucket, Key=key, Body=b"PAR1 not really PAR1")
    with pytest.raises(LakeError, match="cannot be read as Parquet"):
        lake.load(table.schema(), table.batch(file), state)
    assert lake.staged(table) == []


@pytest.mark.security(17)
@pytest.mark.parametrize(
    "url",
    [
        "s3://somebody-elses-bucket/incremental/x.parquet",
        "s3://tidemark-lake/../../etc/passwd",
        "s3://tidemark-lake/manifests/x.parquet",
        "s3://tidemark-lake/incremental/shop.other/year=2026/month=01/day=02/hour=03/"
        "2026-01-02_03-04-05_batch_0001.parquet",
    ],
)
def test_objects_that_are_not_the_tables_own_are_refused(
    lake: Lake, table: Table, state: dict[str, Any], url: str
) -> None:
    batch = table.batch() | {"manifest": [f"{url}?rows=1&etag=%22x%22"]}
    with pytest.raises(LakeError):
        lake.load(table.schema(), batch, state)
    assert table.ledger() == []


def test_parts_are_equal_and_a_multiple_of_the_slices(
    lake: Lake, table: Table, state: dict[str, Any], intercept: Intercept
) -> None:
    seen: list[dict[str, Any]] = []

    def look(_: object, sql: str) -> None:
        manifest = sql.split("s3://tidemark-lake/")[1].split("'")[0]
        body = lake.client.get_object(Bucket=lake.s3.bucket, Key=manifest)["Body"].read()
        seen.extend(json.loads(body)["entries"])

    intercept("COPY", look)
    rows = [(n, f"name {n}", None) for n in range(40_001)]
    lake.load(table.schema(), table.batch(table.write(rows)), state, redshift_slices=4)
    assert len(seen) == 4
    assert all(entry["mandatory"] for entry in seen)
    sizes = [entry["meta"]["content_length"] for entry in seen]
    assert max(sizes) < 1.2 * min(sizes)
    assert lake.sql(f"SELECT count(*), count(DISTINCT id) FROM {table.landing}") == [
        (40_001, 40_001)
    ]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_both_compressions_load(
    lake: Lake, table: Table, state: dict[str, Any], compression: str
) -> None:
    lake.load(
        table.schema(), table.batch(table.write(ROWS)), state, redshift_compression=compression
    )
    assert table.rows("id, name, amount") == ROWS
