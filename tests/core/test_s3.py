from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import pytest
from botocore.awsrequest import AWSPreparedRequest
from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.s3 import S3Location, explained, list_keys
from tidemark_core.settings import S3_SETTINGS, resolve


class _World(Protocol):
    def env(self) -> dict[str, str]: ...


@pytest.fixture(scope="module")
def place(sandbox: _World) -> S3Location:
    return S3Location.from_config(resolve(S3_SETTINGS, {}, sandbox.env()))


def _watched(place: S3Location) -> tuple[Any, list[AWSPreparedRequest]]:
    client = place.client()
    seen: list[AWSPreparedRequest] = []
    client.meta.events.register("before-send.s3", lambda request, **_: seen.append(request))
    return client, seen


@pytest.mark.security(11)
def test_every_object_is_encrypted_as_the_settings_say(place: S3Location) -> None:
    client = replace(place, encryption="AES256").client()
    client.put_object(Bucket=place.bucket, Key="sealed/one", Body=b"x")
    assert client.head_object(Bucket=place.bucket, Key="sealed/one")["ServerSideEncryption"] == (
        "AES256"
    )
    plain = place.client()
    plain.put_object(Bucket=place.bucket, Key="sealed/none", Body=b"x")
    assert "ServerSideEncryption" not in plain.head_object(Bucket=place.bucket, Key="sealed/none")


@pytest.mark.security(11)
def test_the_kms_key_is_named_where_an_object_is_made_and_nowhere_else(place: S3Location) -> None:
    sealed = replace(place, encryption="aws:kms", kms_key_id="arn:aws:kms:us-east-1:1:key/k")
    client, seen = _watched(sealed)
    upload = client.create_multipart_upload(Bucket=place.bucket, Key="sealed/two")
    client.abort_multipart_upload(
        Bucket=place.bucket, Key="sealed/two", UploadId=upload["UploadId"]
    )
    created, aborted = seen
    assert created.headers["x-amz-server-side-encryption"] == b"aws:kms"
    name = "x-amz-server-side-encryption-aws-kms-key-id"
    assert created.headers[name] == b"arn:aws:kms:us-east-1:1:key/k"
    assert name not in aborted.headers


def test_every_request_names_the_expected_owner(place: S3Location) -> None:
    client, seen = _watched(replace(place, expected_owner="123456789012"))
    client.put_object(Bucket=place.bucket, Key="owned/one", Body=b"x")
    client.get_object(Bucket=place.bucket, Key="owned/one")["Body"].close()
    list(list_keys(client, place.bucket, "owned/"))
    assert len(seen) == 3
    assert {request.headers["x-amz-expected-bucket-owner"] for request in seen} == {b"123456789012"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bucket": "no-such-bucket"}, "create the bucket"),
        ({"secret_key": "wrong"}, "S3_SECRET_KEY"),
        ({"access_key": "nobody"}, "S3_ACCESS_KEY"),
    ],
)
def test_a_wrong_setting_is_named(place: S3Location, change: dict[str, str], says: str) -> None:
    wrong = replace(place, **change)
    with pytest.raises(LakeError, match=says) as caught:
        list(list_keys(wrong.client(), wrong.bucket, "x/"))
    assert "wrong" not in str(caught.value)


def test_an_endpoint_that_nobody_listens_on_is_named(place: S3Location) -> None:
    away = replace(place, endpoint_url="http://127.0.0.1:1")
    with pytest.raises(LakeError, match="S3_ENDPOINT_URL") as caught, explained("asking"):
        away.client().list_buckets()
    assert caught.value.retryable


def test_only_known_kinds_of_encryption_are_taken() -> None:
    config = {"s3_bucket_name": "b", "s3_server_side_encryption": "SSE-C"}
    with pytest.raises(ConfigError, match="S3_SERVER_SIDE_ENCRYPTION"):
        resolve(S3_SETTINGS, config)
