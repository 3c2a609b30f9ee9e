from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any, Protocol

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.s3 import S3Location, explained, list_keys
from tidemark_core.settings import S3_SETTINGS, resolve
from urllib3 import HTTPResponse


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


def _unsent(place: S3Location) -> tuple[Any, list[AWSPreparedRequest]]:
    """A client whose requests are kept and go nowhere: the server here has no key to seal with."""
    client = place.client()
    kept: list[AWSPreparedRequest] = []

    def keep(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        kept.append(request)
        raw = HTTPResponse(BytesIO(b"<x/>"), preload_content=False)
        return AWSResponse(request.url, 200, {}, raw)

    client.meta.events.register("before-send.s3", keep)
    return client, kept


@pytest.mark.security(11)
def test_every_object_is_sealed_as_the_settings_say(place: S3Location) -> None:
    name = "x-amz-server-side-encryption"
    for encryption, expected in (("AES256", b"AES256"), (None, None)):
        client, kept = _unsent(replace(place, encryption=encryption))
        client.put_object(Bucket=place.bucket, Key="sealed/one", Body=b"x")
        client.create_multipart_upload(Bucket=place.bucket, Key="sealed/two")
        assert [request.headers.get(name) for request in kept] == [expected, expected]


@pytest.mark.security(11)
def test_the_kms_key_is_named_where_an_object_is_made_and_nowhere_else(place: S3Location) -> None:
    sealed = replace(place, encryption="aws:kms", kms_key_id="arn:aws:kms:us-east-1:1:key/k")
    client, kept = _unsent(sealed)
    client.put_object(Bucket=place.bucket, Key="sealed/two", Body=b"x")
    client.abort_multipart_upload(Bucket=place.bucket, Key="sealed/two", UploadId="1")
    put, aborted = kept
    assert put.headers["x-amz-server-side-encryption"] == b"aws:kms"
    name = "x-amz-server-side-encryption-aws-kms-key-id"
    assert put.headers[name] == b"arn:aws:kms:us-east-1:1:key/k"
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
