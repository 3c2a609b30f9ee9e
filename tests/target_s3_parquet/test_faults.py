"""S3 that refuses, loses answers or holds what it should not. All on a real S3 server."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from boto3.s3.transfer import TransferConfig
from policies import Policies, police
from processes.resident import begin_peak, peak
from target_s3_parquet import upload
from tidemark_core.errors import LakeError, LeaseError
from tidemark_core.names import TableName
from tidemark_core.runs.report import LegReport
from tidemark_singer.files.local_file import open_local


def _times(count: int, status: int, *parts: str) -> Any:
    """Answers the first few requests whose method and path hold all parts with a status."""
    left = [count]

    def before(method: str, path: str) -> int | None:
        if all(part in f"{method} {path}" for part in parts) and left[0] > 0:
            left[0] -= 1
            return status
        return None

    return before


@pytest.fixture
def through(proxy: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings that lead through the proxy; botocore's pauses between tries are shortened."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    return {"s3_endpoint_url": proxy.endpoint}


@pytest.mark.fault(41)
@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("what", ["incremental", "manifests", "leases"])
def test_passing_faults_are_tried_again(
    lake: Any,
    feed: Any,
    say: Any,
    make_file: Any,
    proxy: Any,
    through: Any,
    status: int,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leg = LegReport("lake", "r")
    monkeypatch.setattr("tidemark_core.runs.report.open_reports", [leg])
    proxy.before = _times(3, status, "PUT", what)
    assert feed(say.schema(), say.batch(make_file(say.orders(1))), say.state(1), **through)
    assert [row["id"] for row in lake.rows()] == [1]
    assert leg.retries == 3
    of_tables = sum(table.retries for table in leg.tables)
    assert of_tables == (0 if what == "leases" else 3), "a lease is the leg's own"


@pytest.mark.fault(41)
@pytest.mark.parametrize("what", ["incremental", "manifests"])
def test_lasting_faults_stop_the_run_and_commit_nothing(
    lake: Any, feed: Any, say: Any, make_file: Any, proxy: Any, through: Any, what: str
) -> None:
    proxy.before = _times(99, 503, "PUT", what)
    with pytest.raises(LakeError, match="SlowDown") as caught:
        feed(say.schema(), say.batch(make_file(say.orders(1))), say.state(1), **through)
    assert caught.value.retryable
    assert feed.passed == []
    assert lake.keys("manifests/") == []


@pytest.fixture
def large(say: Any, make_file: Any, many_rows: pa.Table, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Messages about a file that goes up in parts."""
    small = TransferConfig(multipart_threshold=1 << 20, multipart_chunksize=5 << 20)
    monkeypatch.setattr(upload, "_TRANSFER", small)
    return say.schema(), say.batch(make_file(many_rows)), say.state(1)


def _unfinished(lake: Any) -> Any:
    """Uploads in parts that were begun and never ended."""
    found = lake.client.list_multipart_uploads(
        Bucket=lake.place.bucket, Prefix=lake.place.layout.root
    )
    return found.get("Uploads", [])


@pytest.mark.fault(42)
def test_a_large_file_goes_in_parts_and_leaves_none_behind_when_it_fails(
    lake: Any, feed: Any, proxy: Any, through: Any, large: Any
) -> None:
    proxy.before = _times(99, 503, "PUT", "partNumber=2")
    with pytest.raises(LakeError):
        feed(*large, **through)
    assert _unfinished(lake) == []
    assert lake.keys("incremental/") == []
    assert any(method == "DELETE" and "uploadId" in path for method, path in proxy.seen)

    proxy.before = lambda *_: None
    assert feed(*large, **through), "the local file is still there"
    assert sum("partNumber" in path for _, path in proxy.seen) >= 2
    assert lake.manifests()[0].rows == 300_000


def test_of_a_file_that_goes_in_parts_few_are_in_memory(lake: Any, tmp_path: Path) -> None:
    path, megabyte = tmp_path / "large", os.urandom(1 << 20)
    with path.open("wb") as written:
        for _ in range(96):
            written.write(megabyte)
    uploader = upload.Uploader(lake.place, "r")
    before = begin_peak()
    with path.open("rb") as file:
        uploader.put_file(file, f"{lake.place.layout.root}large")
    assert peak() - before < 72


@pytest.mark.fault(41)
@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize(
    "step", [("POST", "uploads"), ("PUT", "partNumber=2"), ("POST", "uploadId")]
)
def test_passing_faults_of_an_upload_in_parts_are_tried_again(
    lake: Any, feed: Any, proxy: Any, through: Any, large: Any, status: int, step: tuple[str, str]
) -> None:
    proxy.before = _times(2, status, *step)
    assert feed(*large, **through)
    [file] = lake.manifests()[0].files
    assert lake.parquet(file.key).metadata.num_rows == 300_000
    assert _unfinished(lake) == []


def test_an_upload_in_parts_whose_end_is_not_heard_of_is_found_complete(
    lake: Any, feed: Any, proxy: Any, through: Any, large: Any
) -> None:
    left = [1]

    def after(method: str, path: str) -> bool:
        if method == "POST" and "uploadId" in path and left[0]:
            left[0] -= 1
            return True
        return False

    proxy.after = after
    assert feed(*large, **through)
    assert left == [0]
    assert len(lake.keys("incremental/")) == len(lake.manifests()[0].files) == 1


@pytest.mark.parametrize("what", ["incremental", "manifests"])
def test_a_put_that_meets_another_request_is_tried_again(
    lake: Any,
    feed: Any,
    say: Any,
    make_file: Any,
    proxy: Any,
    through: Any,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S3 answers 409 to a conditional put while another one of the same key is under way."""
    monkeypatch.setattr(upload, "_PAUSE", 0)
    proxy.code = "ConditionalRequestConflict"
    proxy.before = _times(2, 409, "PUT", what)
    assert feed(say.schema(), say.batch(make_file(say.orders(1))), say.state(1), **through)
    assert [row["id"] for row in lake.rows()] == [1]
    proxy.before = _times(99, 409, "PUT", what)
    with pytest.raises(LakeError, match="ConditionalRequestConflict"):
        feed(say.schema(), say.batch(make_file(say.orders(2))), say.state(2), **through)
    assert feed.passed == []


@pytest.mark.parametrize("what", ["incremental", "manifests", "leases"])
def test_an_answer_that_is_lost_on_the_way_does_no_harm(
    lake: Any, feed: Any, say: Any, make_file: Any, proxy: Any, through: Any, what: str
) -> None:
    left = [1]

    def after(method: str, path: str) -> bool:
        if method == "PUT" and what in path and left[0]:
            left[0] -= 1
            return True
        return False

    proxy.after = after
    assert feed(say.schema(), say.batch(make_file(say.orders(1))), say.state(1), **through)
    assert left == [0]
    assert len(lake.keys("manifests/")) == 1
    assert len(lake.keys("incremental/")) == 1


@pytest.mark.fault(44)
def test_expired_credentials_stop_the_run(
    lake: Any, feed: Any, say: Any, make_file: Any, proxy: Any, through: Any
) -> None:
    proxy.code = "ExpiredToken"
    proxy.before = _times(99, 400, "PUT", "manifests")
    with pytest.raises(LakeError, match="renew the credentials"):
        feed(say.schema(), say.batch(make_file(say.orders(1))), say.state(1), **through)
    assert feed.passed == []
    assert lake.keys("manifests/") == []


@pytest.mark.fault(45)
@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (301, "PermanentRedirect", "S3_REGION"),
        (403, "AccessDenied", "orchestrate/iam"),
        (400, "KMS.NotFoundException", "S3_KMS_KEY_ID"),
    ],
)
def test_a_lake_that_cannot_be_written_shows_before_any_row(
    feed: Any, say: Any, proxy: Any, through: Any, status: int, code: str, says: str
) -> None:
    proxy.code = code
    proxy.before = _times(99, status, "PUT", "leases")
    with pytest.raises(LakeError, match=says):
        feed(say.schema(), **through)


@pytest.mark.security(11)
def test_a_file_that_is_stored_otherwise_than_asked_is_not_committed(
    lake: Any, say: Any, make_file: Any
) -> None:
    """As when the bucket's policy or an S3-compatible server ignores the header."""
    uploader = upload.Uploader(replace(lake.place, encryption="AES256"), "run")
    uploader._client = upload.conditional_client(lake.place)
    key = lake.place.layout.root + "incremental/plain.parquet"
    file = make_file(say.orders(1))
    with (
        open_local(file.path, TableName("a", "b")) as opened,
        pytest.raises(LakeError, match="stored with encryption None"),
    ):
        uploader.put_file(opened, key)


@pytest.mark.security(13)
def test_nothing_is_ever_deleted_and_nothing_outside_its_folders_touched(
    lake: Any, feed: Any, say: Any, make_file: Any, proxy: Any, through: Any
) -> None:
    feed(say.schema(), say.batch(make_file(say.orders(1))), say.state(1), **through)
    feed(say.schema(), say.record(id=2), say.state(2), **through)
    root = lake.place.layout.root
    folders = tuple(f"/{root}{name}/" for name in ("incremental", "manifests", "leases"))
    for method, path in proxy.seen:
        assert method in ("GET", "PUT", "HEAD", "POST")
        path = path.removeprefix(f"/{lake.place.bucket}")
        assert path.startswith((*folders, "?", "/?")), path


def test_runs_of_the_same_second_overwrite_nothing(
    lake: Any, feed: Any, say: Any, make_file: Any
) -> None:
    for number in (1, 2):
        feed(say.schema(), say.batch(make_file(say.orders(number))), say.state(number))
    assert [key[-12:] for key in lake.keys("incremental/")] == ["0001.parquet", "0002.parquet"]
    assert {row["id"] for row in lake.rows()} == {1, 2}


def test_a_number_that_somebody_took_meanwhile_is_passed_over(
    lake: Any, feed: Any, say: Any, make_file: Any
) -> None:
    target = feed.start()
    table = target.table(say.stream)
    table.set_schema(say.schema()["schema"], ["id"])
    table.add_file(make_file(say.orders(1)))
    taken = lake.keys("incremental/")[0].replace("0001", "0002")
    lake.client.put_object(
        Bucket=lake.place.bucket, Key=lake.place.layout.root + taken, Body=b"another's"
    )
    table.add_file(make_file(say.orders(2)))
    table.commit({})
    assert lake.body(taken) == b"another's"
    assert [file.key[-12:] for file in lake.manifests()[0].files] == [
        "0001.parquet",
        "0003.parquet",
    ]


def test_the_same_run_id_twice_commits_twice(
    lake: Any, feed: Any, say: Any, make_file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEMARK_RUN_ID", "nightly")
    for number in (1, 2):
        feed(say.schema(), say.batch(make_file(say.orders(number))), say.state(number))
    assert [manifest.part for manifest in lake.manifests()] == [1, 2]
    assert {row["id"] for row in lake.rows()} == {1, 2}


@pytest.mark.fault(23)
def test_a_writer_overtaken_in_the_middle_of_its_commit_passes_no_state_on(
    lake: Any, feed: Any, say: Any, make_file: Any, proxy: Any, through: Any
) -> None:
    key = lake.place.layout.root + "leases/shop.orders/lake.json"

    def overtake(method: str, path: str) -> bool:
        if method == "PUT" and "manifests" in path:
            body = lake.client.get_object(Bucket=lake.place.bucket, Key=key)["Body"].read()
            other = body.replace(b'"nonce": "', b'"nonce": "f')
            lake.client.put_object(Bucket=lake.place.bucket, Key=key, Body=other)
        return False

    proxy.after = overtake
    with pytest.raises(LeaseError, match="took over"):
        feed(say.schema(), say.batch(make_file(say.orders(1))), say.state(1), **through)
    assert feed.passed == []


@pytest.mark.security(13)
@pytest.mark.security(26)
def test_the_extractors_policy_suffices(
    lake: Any,
    feed: Any,
    say: Any,
    make_file: Any,
    project_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also for a file that goes up in parts."""
    monkeypatch.setattr(
        upload, "_TRANSFER", TransferConfig(multipart_threshold=1, multipart_chunksize=5 << 20)
    )
    rows = say.orders(*range(100_000))
    noise = pa.array([os.urandom(35).hex()[:20] for _ in range(rows.num_rows)])
    file = make_file(rows.set_column(1, "name", noise))
    rights = Policies.of(
        project_root / "orchestrate" / "iam",
        "extractor",
        lake.place.bucket,
        lake.place.layout,
        "watermark/",
    )
    refused = police(rights, monkeypatch)
    feed(say.schema(), say.batch(file), say.state(1))
    assert refused == []
    assert len(lake.keys("incremental/")) == 1
