"""The S3 connection: how a client is made, and errors that an operator understands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tidemark_core.errors import LakeError
from tidemark_core.lake import LakeLayout

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

_RETRYABLE = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"})
_HINTS = {
    "NoSuchBucket": "create the bucket, or correct S3_BUCKET_NAME",
    "AccessDenied": "compare the role's rights with orchestrate/iam/",
    "InvalidAccessKeyId": "correct S3_ACCESS_KEY and S3_SECRET_KEY",
    "SignatureDoesNotMatch": "correct S3_SECRET_KEY",
    "PermanentRedirect": "correct S3_REGION",
}


@dataclass(frozen=True)
class S3Location:
    """The lake's bucket and how to reach it. Empty keys mean the default credential chain."""

    bucket: str
    region: str = "us-east-1"
    endpoint_url: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    incremental: str = "incremental/"

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> S3Location:
        """Reads the values of `tidemark_core.settings.S3_SETTINGS`."""
        return cls(
            bucket=config["s3_bucket_name"],
            region=config.get("s3_region") or "us-east-1",
            endpoint_url=config.get("s3_endpoint_url") or None,
            access_key=config.get("s3_access_key") or None,
            secret_key=config.get("s3_secret_key") or None,
            incremental=config.get("s3_incremental_path") or "incremental/",
        )

    def __repr__(self) -> str:
        return f"S3Location(bucket={self.bucket!r}, endpoint_url={self.endpoint_url!r})"

    @property
    def layout(self) -> LakeLayout:
        return LakeLayout(self.incremental)

    def client(self) -> S3Client:
        """Makes a client with bounded retries (botocore's standard mode, also for SlowDown)."""
        return boto3.client(
            "s3",
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 6},
                connect_timeout=10,
                read_timeout=60,
                max_pool_connections=16,
                s3={"addressing_style": "path" if self.endpoint_url else "auto"},
            ),
        )


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
        ) from error
    except BotoCoreError as error:
        raise LakeError(
            f"S3 could not be reached for {what}: {error}",
            hint="check S3_ENDPOINT_URL, the credentials and the network",
            retryable=True,
        ) from error


def list_keys(client: S3Client, bucket: str, prefix: str) -> Iterator[ObjectTypeDef]:
    """Lists all objects below a prefix, past 1,000, as S3 describes them, sorted by key a page."""
    with explained(f"listing s3://{bucket}/{prefix}"):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", [])
