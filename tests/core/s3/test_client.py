from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any, Protocol, cast

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.errors import explained
from tidemark_core.s3.objects import delete_all, list_keys, read_document
from tidemark_core.s3.settings import S3_SETTINGS, S3Settings
from tidemark_core.settings import resolve
from tidemark_core.typed_settings import read
from urllib3 import HTTPResponse

LARGEST = 32 << 20
SEAL = "x-amz-server-side-encryption"


class _World(Protocol):
    def env(self) -> dict[str, str]: ...


@pytest.fixture(scope="module")
def place(sandbox: _World) -> S3Location:
    return S3Location.of(read(S3Settings, {}, sandbox.env()))


def _watched(place: S3Location) -> tuple[Any, list[AWSPreparedRequest]]:
    client = place.client()
    seen: list[AWSPreparedRequest] = []
    client.meta.events.register("before-send.s3", lambda request, **_: seen.append(request))
    return client, seen


@pytest.mark.fault(150)
@pytest.mark.parametrize("beyond", [0, 1])
def test_a_document_is_read_if_it_can_be_one(place: S3Location, beyond: int) -> None:
    client, key = place.client(), f"test-s3/{uuid.uuid4().hex}"
    client.put_object(Bucket=place.bucket, Key=key, Body=b" " * (LARGEST + beyond))
    answer = client.get_object(Bucket=place.bucket, Key=key)
    client.delete_object(Bucket=place.bucket, Key=key)
    if not beyond:
        assert len(read_document(answer, key)) == LARGEST
        return
    with pytest.raises(LakeError, match=f"{key} has {LARGEST + 1} bytes: larger than"):
        read_document(answer, key)
    assert answer["Body"].tell() == 0


def _headers(request: AWSPreparedRequest) -> Mapping[str, bytes]:
    """A signed request's headers: bytes by now."""
    return cast("Mapping[str, bytes]", request.headers)


def _unsent(place: S3Location) -> tuple[Any, list[AWSPreparedRequest]]:
    """A client whose requests are kept and go nowhere: the server here has no key to seal with."""
    client: Any = place.client()
    kept: list[AWSPreparedRequest] = []

    def keep(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        kept.append(request)
        sent = _headers(request).items()
        seal = HTTPHeaders.from_dict({n: v.decode() for n, v in sent if n.startswith(SEAL)})
        raw = HTTPResponse(BytesIO(b"<x/>"), preload_content=False)
        return AWSResponse(request.url, 200, seal, raw)

    client.meta.events.register("before-send.s3", keep)
    return client, kept


@pytest.mark.security(11)
def test_every_object_is_sealed_as_the_settings_say(place: S3Location) -> None:
    for encryption, expected in (("AES256", b"AES256"), (None, None)):
        client, kept = _unsent(replace(place, encryption=encryption))
        client.put_object(Bucket=place.bucket, Key="sealed/one", Body=b"x")
        client.create_multipart_upload(Bucket=place.bucket, Key="sealed/two")
        assert [_headers(request).get(SEAL) for request in kept] == [expected, expected]


@pytest.mark.security(11)
def test_the_kms_key_is_named_where_an_object_is_made_and_nowhere_else(place: S3Location) -> None:
    sealed = replace(place, encryption="aws:kms", kms_key_id="arn:aws:kms:us-east-1:1:key/k")
    client, kept = _unsent(sealed)
    client.put_object(Bucket=place.bucket, Key="sealed/two", Body=b"x")
    client.abort_multipart_upload(Bucket=place.bucket, Key="sealed/two", UploadId="1")
    put, aborted = kept
    assert _headers(put)[SEAL] == b"aws:kms"
    name = f"{SEAL}-aws-kms-key-id"
    assert _headers(put)[name] == b"arn:aws:kms:us-east-1:1:key/k"
    assert name not in aborted.headers


@pytest.mark.security(11)
def test_a_server_that_ignores_the_seal_is_noticed_with_the_first_object(
    place: S3Location,
) -> None:
    client: Any = replace(place, encryption="AES256").client()

    def without_seal(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        raw = HTTPResponse(BytesIO(b""), preload_content=False)
        return AWSResponse(request.url, 200, HTTPHeaders(), raw)

    client.meta.events.register("before-send.s3", without_seal)
    with pytest.raises(LakeError, match=r"sealed/one is stored with encryption None, not 'AES256'"):
        client.put_object(Bucket=place.bucket, Key="sealed/one", Body=b"x")


def test_every_request_names_the_expected_owner(place: S3Location) -> None:
    client, seen = _watched(replace(place, expected_owner="123456789012"))
    client.put_object(Bucket=place.bucket, Key="owned/one", Body=b"x")
    client.get_object(Bucket=place.bucket, Key="owned/one")["Body"].close()
    list(list_keys(client, place.bucket, "owned/"))
    assert len(seen) == 3
    assert {request.headers["x-amz-expected-bucket-owner"] for request in seen} == {b"123456789012"}


def test_many_objects_are_deleted_a_thousand_at_a_time(place: S3Location) -> None:
    client, seen = _watched(place)
    client.put_object(Bucket=place.bucket, Key="many/1000", Body=b"x")
    delete_all(client, place.bucket, [f"many/{n}" for n in range(1_001)], "a test")
    assert len(seen) == 3
    assert not list(list_keys(client, place.bucket, "many/"))


def test_an_object_that_is_not_deleted_is_named(place: S3Location) -> None:
    client: Any = place.client()
    told = b"<Error><Key>kept/7</Key><Code>AccessDenied</Code></Error>"

    def refuse(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        raw = HTTPResponse(
            BytesIO(b"<DeleteResult>" + told + b"</DeleteResult>"), preload_content=False
        )
        return AWSResponse(request.url, 200, HTTPHeaders(), raw)

    client.meta.events.register("before-send.s3", refuse)
    with pytest.raises(LakeError, match=r"refused to delete 'kept/7': AccessDenied") as caught:
        delete_all(client, place.bucket, ["kept/7"], "a test", table="s.t")
    assert (caught.value.table, caught.value.stops_all) == ("s.t", True)
    assert "orchestrate/iam/" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bucket": "no-such-bucket"}, "create the bucket"),
        ({"secret_key": "wrong"}, "S3_SECRET_KEY"),
        ({"access_key": "nobody"}, "S3_ACCESS_KEY"),
    ],
)
def test_a_wrong_setting_is_named(place: S3Location, change: dict[str, Any], says: str) -> None:
    wrong = replace(place, **change)
    with pytest.raises(LakeError, match=says) as caught:
        list(list_keys(wrong.client(), wrong.bucket, "x/"))
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("key", ["s3_access_key", "s3_secret_key"])
def test_half_a_login_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="only one of"):
        S3Location.of(read(S3Settings, {"s3_bucket_name": "b", key: "x"}))


@pytest.fixture
def chain(place: S3Location, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> S3Location:
    """The lake without keys in the settings, on a machine that has none either."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return replace(place, access_key=None, secret_key=None)


def test_without_keys_the_environments_are_used(
    place: S3Location, chain: S3Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LakeError, match="credentials"):
        list(list_keys(chain.client(), chain.bucket, "x/"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(place.access_key))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", str(place.secret_key))
    assert list(list_keys(chain.client(), chain.bucket, "x/")) == []


def test_without_keys_those_of_a_profile_are_used(
    place: S3Location, chain: S3Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = f"aws_access_key_id={place.access_key}\naws_secret_access_key={place.secret_key}\n"
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(f"[lake]\n{keys}")
    monkeypatch.setenv("AWS_PROFILE", "lake")
    assert list(list_keys(chain.client(), chain.bucket, "x/")) == []


@pytest.mark.fault(44)
def test_the_keys_of_a_role_are_renewed_before_they_expire(
    chain: S3Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = count(1)

    class Role(BaseHTTPRequestHandler):
        """As a container's credentials endpoint; its keys are always about to expire."""

        def do_GET(self) -> None:
            keys = {
                "AccessKeyId": f"ASIA{next(asked):04d}",
                "SecretAccessKey": "s",
                "Token": "t",
                "Expiration": (datetime.now(UTC) + timedelta(minutes=2)).isoformat(),
            }
            body = json.dumps(keys).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Role) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/keys"
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
        try:
            client, kept = _unsent(chain)
            for number in range(3):
                client.put_object(Bucket=chain.bucket, Key=f"role/{number}", Body=b"x")
        finally:
            server.shutdown()
            thread.join()
    signers = [
        re.findall(r"Credential=(\w+)/", str(each.headers["Authorization"])) for each in kept
    ]
    assert len(set(map(tuple, signers))) == 3
    assert all(key.startswith("ASIA") for (key,) in signers)
    assert {each.headers["x-amz-security-token"] for each in kept} == {b"t"}


def test_an_endpoint_that_nobody_listens_on_is_named(place: S3Location) -> None:
    away = replace(place, endpoint_url="http://127.0.0.1:1")
    with pytest.raises(LakeError, match="S3_ENDPOINT_URL") as caught, explained("asking"):
        away.client().list_buckets()
    assert caught.value.retryable


def test_only_known_kinds_of_encryption_are_taken() -> None:
    config = {"s3_bucket_name": "b", "s3_server_side_encryption": "SSE-C"}
    with pytest.raises(ConfigError, match="S3_SERVER_SIDE_ENCRYPTION"):
        resolve(S3_SETTINGS, config)
