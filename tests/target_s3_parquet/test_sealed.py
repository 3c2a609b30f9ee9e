"""Objects are sealed, and the bucket's owner is named, in the requests that S3 really gets."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from boto3.s3.transfer import TransferConfig
from tidemark_core.types.column_type import ColumnType

SEAL = "x-amz-server-side-encryption"
KEY_ID = f"{SEAL}-aws-kms-key-id"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0451"
OWNER_HEADER = "x-amz-expected-bucket-owner"
OWNER = "123456789012"


@pytest.mark.security(11)
@pytest.mark.parametrize(
    ("seal", "more"), [("AES256", {}), ("aws:kms", {"s3_kms_key_id": KEY})], ids=["S3", "KMS"]
)
def test_every_object_of_a_run_is_sealed_and_every_request_names_the_owner(
    lake: Any,
    feed: Any,
    say: Any,
    make_file: Any,
    sealing: Any,
    monkeypatch: pytest.MonkeyPatch,
    seal: str,
    more: dict[str, str],
) -> None:
    # The second file goes in parts.
    small = TransferConfig(multipart_threshold=6_000_000, multipart_chunksize=5 * 1024 * 1024)
    monkeypatch.setattr("target_s3_parquet.upload._TRANSFER", small)
    large = say.orders(*range(3)).append_column(
        "note", pa.array([secrets.token_hex(2_500_000) for _ in range(3)])
    )
    columns = say.columns | {"note": ColumnType("string", length=10_000_000)}
    feed(
        say.schema(columns),
        say.batch(make_file(large)),
        say.record(id=9),
        say.state(1),
        s3_endpoint_url=sealing.endpoint,
        s3_server_side_encryption=seal,
        s3_expected_bucket_owner=OWNER,
        **more,
    )
    made = [request for request in sealing.requests if request.makes_an_object]
    folders = {
        part for r in made for part in ("incremental", "manifests", "leases") if part in r.path
    }
    assert folders == {"incremental", "manifests", "leases"}
    assert {r.method for r in made} == {"PUT", "POST"}, "single puts, and an upload in parts"
    assert {r.headers.get(SEAL) for r in made} == {seal}
    assert {r.headers.get(KEY_ID) for r in made} == {more.get("s3_kms_key_id")}
    others = [request for request in sealing.requests if not request.makes_an_object]
    assert {r.headers.get(SEAL) for r in others} == {None}, "nowhere else: S3 would refuse it"
    assert {r.headers.get(OWNER_HEADER) for r in sealing.requests} == {OWNER}
    assert len(lake.rows()) == 4


@pytest.mark.security(11)
def test_a_copy_is_sealed_too(lake: Any, sealing: Any) -> None:
    place = replace(
        lake.place, endpoint_url=sealing.endpoint, encryption="aws:kms", kms_key_id=KEY,
        expected_owner=OWNER,
    )  # fmt: skip
    lake.client.put_object(Bucket=place.bucket, Key="sealed/from", Body=b"x")
    source = {"Bucket": place.bucket, "Key": "sealed/from"}
    place.client().copy_object(Bucket=place.bucket, Key="sealed/to", CopySource=source)
    (request,) = sealing.requests
    told = (request.headers[SEAL], request.headers[KEY_ID], request.headers[OWNER_HEADER])
    assert told == ("aws:kms", KEY, OWNER)
