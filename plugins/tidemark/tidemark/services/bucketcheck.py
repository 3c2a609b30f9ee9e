"""Whether the bucket is as docs/aws.md makes it: closed to strangers, objects encrypted as set."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from tidemark_core.s3 import explained

from tidemark.project import Project
from tidemark.services.checks import Finding, Level

_PART = "bucket"


def check_bucket(project: Project) -> Iterator[Finding]:
    """Writes an object of our own, and looks at it: as ourselves, and as nobody."""
    client, bucket = project.s3, project.bucket
    key = f"{project.layout.staging_root}doctor/{uuid.uuid4().hex}"
    where = f"s3://{bucket}/{key}"
    with explained(f"writing {where}"):
        client.put_object(Bucket=bucket, Key=key, Body=b"")
    try:
        with explained(f"a look at {where}"):
            head = client.head_object(Bucket=bucket, Key=key)
        found, kms = head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")
        yield judge_encryption(found, kms, project.location.encryption, project.location.kms_key_id)
        yield judge_strangers(_stranger_reads(project, key), bucket)
    finally:
        with explained(f"deleting {where}"):
            client.delete_object(Bucket=bucket, Key=key)


def judge_encryption(
    found: str | None, kms: str | None, wanted: str | None, wanted_key: str | None
) -> Finding:
    """Judges the encryption of an object that we wrote. Pure.

    Args:
        found: What S3 says of it; None: nothing.
        kms: ARN of the key, if it says one.
        wanted: S3_SERVER_SIDE_ENCRYPTION.
        wanted_key: S3_KMS_KEY_ID.
    """
    text = f"objects are stored with encryption {found}" + (f" by {kms}" if kms else "")
    hint = "check S3_SERVER_SIDE_ENCRYPTION, S3_KMS_KEY_ID and the bucket's default encryption"
    if (wanted and found != wanted) or (wanted_key and kms != wanted_key):
        wish = f"{wanted}" + (f" by {wanted_key}" if wanted_key else "")
        return Finding(_PART, Level.ERROR, f"{text}, not {wish}", hint)
    if found is None:
        # AWS encrypts everything and says so; other servers may not.
        return Finding(_PART, Level.WARN, "S3 does not say that objects are encrypted", hint)
    return Finding(_PART, Level.OK, text)


def judge_strangers(may_read: bool, bucket: str) -> Finding:
    """Judges whether somebody without a name may read what we wrote. Pure."""
    if may_read:
        hint = "aws s3api put-public-access-block (docs/aws.md)"
        return Finding(_PART, Level.ERROR, f"anybody may read s3://{bucket}", hint)
    return Finding(_PART, Level.OK, "strangers are refused")


def _stranger_reads(project: Project, key: str) -> bool:
    location = project.location
    style = "path" if location.endpoint_url else "auto"
    stranger = boto3.client(
        "s3",
        region_name=location.region,
        endpoint_url=location.endpoint_url,
        config=Config(
            signature_version=UNSIGNED,
            connect_timeout=5,
            read_timeout=10,
            retries={"total_max_attempts": 2},
            s3={"addressing_style": style},
        ),
    )
    with explained(f"a stranger's look at s3://{project.bucket}/{key}"):
        try:
            stranger.get_object(Bucket=project.bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (401, 403):
                return False
            raise
    return True
