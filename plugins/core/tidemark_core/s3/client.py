"""The S3 connection: how a client is made, and errors that an operator understands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.runs.report import current
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef, ObjectTypeDef

_RETRYABLE = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"})
#: What S3 says of one object; anything else would meet every other request, too.
_OF_ONE_OBJECT = frozenset(
    {
        *("NoSuchKey", "404", "PreconditionFailed", "412", "ConditionalRequestConflict", "409"),
        *("InvalidRange", "InvalidObjectState", "KeyTooLongError", "EntityTooLarge"),
    }
)
#: What one request may delete.
_MOST_KEYS = 1000
#: Bytes. No honest manifest or run report comes near this.
_LARGEST_DOCUMENT = 32 << 20
_HINTS = {
    "ExpiredToken": "renew the credentials, then run again; nothing half done was committed",
    "RequestTimeTooSkewed": "set this machine's clock",
    "KMS.DisabledException": "enable the key S3_KMS_KEY_ID, or name another",
    "KMS.NotFoundException": "correct S3_KMS_KEY_ID",
    "NoSuchBucket": "create the bucket, or correct S3_BUCKET_NAME",
    "AccessDenied": "compare the role's rights with orchestrate/iam/",
    "InvalidAccessKeyId": "correct S3_ACCESS_KEY and S3_SECRET_KEY",
    "SignatureDoesNotMatch": "correct S3_SECRET_KEY",
    "PermanentRedirect": "correct S3_REGION",
}


@dataclass(frozen=True)
class S3Location:
    """The lake's bucket and how to reach it. Empty keys mean the default credential chain.

    Attributes:
        expected_owner: Account id; S3 refuses requests to a bucket of another account.
        encryption: ``AES256``, ``aws:kms`` or ``aws:kms:dsse`` for every object written; None:
            what the bucket itself says.
        kms_key_id: ARN of the KMS key.
        attempts: Tries of a request; fewer where a person waits for the answer.
        connect_timeout: Seconds that one try waits for a connection.
    """

    bucket: str
    region: str = "us-east-1"
    endpoint_url: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    incremental: str = "incremental/"
    expected_owner: str | None = None
    encryption: str | None = None
    kms_key_id: str | None = None
    attempts: int = 6
    connect_timeout: int = 10

    @classmethod
    def of(cls, settings: S3Settings) -> S3Location:
        """The bucket of the settings.

        Raises:
            ConfigError: Only one of the two keys is set.
        """
        if bool(settings.s3_access_key) != bool(settings.s3_secret_key):
            raise ConfigError(
                "of S3_ACCESS_KEY and S3_SECRET_KEY only one is set",
                hint="set both, or neither: then the default credential chain is used",
            )
        return cls(
            bucket=settings.s3_bucket_name,
            region=settings.s3_region,
            endpoint_url=settings.s3_endpoint_url,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
            incremental=settings.s3_incremental_path,
            expected_owner=settings.s3_expected_bucket_owner,
            encryption=settings.s3_server_side_encryption,
            kms_key_id=settings.s3_kms_key_id,
        )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> S3Location:
        """The same, of values by the settings' names.

        Raises:
            ConfigError: A value is missing or wrong.
        """
        return cls.of(read(S3Settings, config))

    def __repr__(self) -> str:
        return f"S3Location(bucket={self.bucket!r}, endpoint_url={self.endpoint_url!r})"

    @property
    def layout(self) -> LakeLayout:
        return LakeLayout(self.incremental)

    def client(self) -> S3Client:
        """Makes a client with bounded retries (botocore's standard mode, also for SlowDown).

        Every request that it makes names the expected bucket owner, and every object that it
        writes is encrypted, as far as the settings ask for it; S3's answer is held against that.
        """
        import boto3  # 0.1 s of CPU: who asks for no client, as for help, does not wait for it
        from botocore.config import Config

        client = boto3.client(
            "s3",
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": self.attempts},
                connect_timeout=self.connect_timeout,
                read_timeout=60,
                max_pool_connections=16,
                s3={"addressing_style": "path" if self.endpoint_url else "auto"},
            ),
        )
        client.meta.events.register("request-created.s3", self._count_retry)
        if self.expected_owner:
            add = _adding({"ExpectedBucketOwner": self.expected_owner})
            client.meta.events.register("before-parameter-build.s3", add)
        if self.encryption:
            sealed = {"ServerSideEncryption": self.encryption}
            if self.kms_key_id:
                sealed["SSEKMSKeyId"] = self.kms_key_id
            for operation in ("PutObject", "CreateMultipartUpload", "CopyObject"):
                event = f"before-parameter-build.s3.{operation}"
                client.meta.events.register(event, _adding(sealed))
                client.meta.events.register(f"after-call.s3.{operation}", self._check_answer)
        return client

    def verify_encryption(self, answer: Mapping[str, Any], where: str) -> None:
        """Makes sure that an object is encrypted as the settings ask for it.

        Args:
            answer: What S3 said when it was written, or of its head.
            where: The object, for the message.

        Raises:
            LakeError: It is encrypted otherwise, as when a server ignores what it was asked for.
        """
        found, key = answer.get("ServerSideEncryption"), self.kms_key_id
        if self.encryption and found != self.encryption:
            raise LakeError(
                f"{where} is stored with encryption {found!r}, not {self.encryption!r}",
                hint="check S3_SERVER_SIDE_ENCRYPTION and the bucket's default encryption",
                stops_all=True,
            )
        if key and not str(answer.get("SSEKMSKeyId", "")).endswith(key.rpartition("/")[2]):
            raise LakeError(
                f"{where} is encrypted with another key than S3_KMS_KEY_ID",
                hint="check the bucket's default encryption and its policy",
                stops_all=True,
            )

    def _check_answer(self, http_response: Any, parsed: dict[str, Any], **_: object) -> None:
        if http_response.status_code < 300:
            self.verify_encryption(parsed, f"s3:/{unquote(urlsplit(http_response.url).path)}")

    def _count_retry(self, request: AWSRequest, **_: object) -> None:
        """Counts a request that is sent again, in the run report."""
        if request.context.get("retries", {}).get("attempt", 1) > 1:
            path = unquote(urlsplit(request.url).path).lstrip("/")
            table = self.layout.table_of(path.removeprefix(f"{self.bucket}/"))
            current().tried_again(table)


def read_document(answer: Mapping[str, Any], where: str) -> bytes:
    """The body of an object that is a JSON document: a manifest, a run report.

    Args:
        answer: What S3 answered to a get_object.
        where: The object, for the message.

    Raises:
        LakeError: It is larger than any such document; nothing of it is read.
    """
    with closing(answer["Body"]) as body:
        size = answer["ContentLength"]
        if size > _LARGEST_DOCUMENT:
            raise LakeError(f"{where} has {size} bytes: too large for what it should be")
        return bytes(body.read())


def _adding(more: Mapping[str, str]) -> Callable[..., None]:
    """Makes an event handler that adds parameters to every request that knows them."""

    def add(params: dict[str, Any], model: OperationModel, **_: object) -> None:
        known = model.input_shape.members if model.input_shape else {}
        params.update({name: value for name, value in more.items() if name in known})

    return add


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turns boto's errors into a `LakeError` that says what was being done.

    Args:
        what: A phrase such as ``"listing s3://bucket/manifests/"``.

    Raises:
        LakeError: S3 refused or could not be reached; ``retryable`` for passing faults.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise LakeError(
            f"S3 refused {what}: {code}",
            hint=_HINTS.get(code),
            retryable=code in _RETRYABLE or status >= 500,
            stops_all=code not in _OF_ONE_OBJECT,
        ) from error
    except BotoCoreError as error:
        raise LakeError(
            f"S3 could not be reached for {what}: {error}",
            hint="check S3_ENDPOINT_URL, the credentials and the network",
            retryable=True,
            stops_all=True,
        ) from error


def list_keys(client: S3Client, bucket: str, prefix: str) -> Iterator[ObjectTypeDef]:
    """Lists all objects below a prefix, past 1,000, as S3 describes them, sorted by key a page."""
    with explained(f"listing s3://{bucket}/{prefix}"):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", [])


def delete_all(
    client: S3Client, bucket: str, keys: Sequence[str], what: str, *, table: object = None
) -> None:
    """Deletes objects, 1,000 a request.

    Args:
        client: S3 client.
        bucket: Their bucket.
        keys: Their keys; one that is not there is deleted already.
        what: What is being done, for the error.
        table: Whose objects they are, for the error.

    Raises:
        LakeError: S3 refused a request, or one of the keys in it.
    """
    for start in range(0, len(keys), _MOST_KEYS):
        objects: list[ObjectIdentifierTypeDef] = [
            {"Key": key} for key in keys[start : start + _MOST_KEYS]
        ]
        with explained(what):
            answer = client.delete_objects(
                Bucket=bucket, Delete={"Objects": objects, "Quiet": True}
            )
        for failed in answer.get("Errors", []):
            code = failed.get("Code", "unknown")
            raise LakeError(
                f"S3 refused to delete {failed.get('Key')!r}: {code}",
                table=table,
                hint=_HINTS.get(code),
                retryable=code in _RETRYABLE,
                stops_all=code not in _OF_ONE_OBJECT,
            )


def server_time(answer: Mapping[str, Any]) -> datetime:
    """S3's clock, as an answer of it has it; ours where it has none."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date).astimezone(UTC) if date else datetime.now(UTC)


def ask_time(client: S3Client, bucket: str) -> datetime:
    """S3's clock: ages are told by it, whatever this machine thinks.

    Raises:
        LakeError: The bucket cannot be reached.
    """
    with explained(f"a look at s3://{bucket}"):
        return server_time(client.head_bucket(Bucket=bucket))
