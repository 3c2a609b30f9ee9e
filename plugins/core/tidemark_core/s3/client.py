"""The S3 connection: the bucket, and how a client of it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.runs.report import current
from tidemark_core.s3.settings import S3Settings

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3Location:
    """The lake's bucket and how to reach it. Empty keys mean the default credential chain.

    Attributes:
        incremental: Folder of the data files, with a slash at its end.
        expected_owner: Account id; S3 refuses requests to a bucket of another account.
        encryption: ``AES256``, ``aws:kms`` or ``aws:kms:dsse`` for every object written; None:
            what the bucket itself says.
        kms_key_id: ARN of the KMS key.
        attempts: Tries of a request; fewer where a person waits for the answer.
        connect_timeout: Seconds that one try waits for a connection.
    """

    bucket: str
    region: str
    incremental: str
    endpoint_url: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
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
                "only one of S3_ACCESS_KEY and S3_SECRET_KEY is set",
                hint="set both, or neither to use the default credential chain",
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

    def __repr__(self) -> str:
        return f"S3Location(bucket={self.bucket!r}, endpoint_url={self.endpoint_url!r})"

    @property
    def layout(self) -> LakeLayout:
        return LakeLayout(self.incremental)

    def client(self) -> S3Client:
        """Makes a client with bounded retries (botocore's standard mode, also for SlowDown).

        Every request that it makes names the expected bucket owner, and every object that it
        writes is encrypted, as far as the settings ask for it; S3's answer is checked.
        """
        # 0.1 s of CPU, spared when no client is made, as for help.
        from botocore.config import Config

        from tidemark_core.s3.session import default_session

        client = default_session().client(
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
                f"{where} is encrypted with a key other than S3_KMS_KEY_ID",
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


def _adding(more: Mapping[str, str]) -> Callable[..., None]:
    """Makes an event handler that adds parameters to every request that accepts them."""

    def add(params: dict[str, Any], model: OperationModel, **_: object) -> None:
        known = model.input_shape.members if model.input_shape else {}
        params.update({name: value for name, value in more.items() if name in known})

    return add
