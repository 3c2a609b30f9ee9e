"""Whether the bucket is as docs/aws.md makes it: closed, encrypted, versioned, written once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, cast

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from tidemark_core.s3.errors import explained
from tidemark_core.text.documents import Json

from tidemark.config.project import Project
from tidemark.services.health.checks import Finding, Level

_PART = "bucket"


def check_bucket(project: Project) -> Iterator[Finding]:
    """Writes an object of our own, and looks at it: as ourselves, and anonymously."""
    client, bucket = project.s3, project.bucket
    key = f"{project.layout.staging_root}doctor/{uuid.uuid4().hex}"
    where = f"s3://{bucket}/{key}"
    with explained(f"writing {where}"):
        client.put_object(Bucket=bucket, Key=key, Body=b"")
    try:
        with explained(f"reading {where}"):
            head = client.head_object(Bucket=bucket, Key=key)
        found, kms = head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")
        yield judge_encryption(found, kms, project.location.encryption, project.location.kms_key_id)
        yield judge_strangers(_stranger_reads(project, key), bucket)
    finally:
        with explained(f"deleting {where}"):
            client.delete_object(Bucket=bucket, Key=key)
    yield _asked(project, "s3:GetBucketVersioning", _look_at_versions)
    yield _asked(project, "s3:GetBucketPolicy", _look_at_policy)


def _asked(project: Project, right: str, look: Callable[[Project], Finding]) -> Finding:
    """What a look at the bucket's own settings finds, which no run needs to read."""
    try:
        return look(project)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        text = f"cannot read the bucket's settings: {right}: {code}"
        return Finding(_PART, Level.WARN, text, "tidemark iam-policy")


def _look_at_versions(project: Project) -> Finding:
    client, bucket = project.s3, project.bucket
    status = client.get_bucket_versioning(Bucket=bucket).get("Status")
    try:
        lock = client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    except ClientError:
        # There is none, or we may not read it: it is optional in any case.
        lock = {}
    rule = lock.get("Rule", {}).get("DefaultRetention", {})
    return judge_versions(status, cast("Json", rule), bucket)


def judge_versions(status: str | None, retention: Json, bucket: str) -> Finding:
    """Judges whether the bucket keeps what is replaced or deleted. Pure.

    Args:
        status: Of its versioning; None: it was never on.
        retention: Object Lock's default: ``Mode``, and ``Days`` or ``Years``; empty: none.
        bucket: The bucket.
    """
    if status != "Enabled":
        text = f"s3://{bucket} does not keep old versions: deleted or overwritten objects are lost"
        hint = (
            f"aws s3api put-bucket-versioning --bucket {bucket} "
            "--versioning-configuration Status=Enabled (docs/aws.md)"
        )
        return Finding(_PART, Level.WARN, text, hint)
    text = "versioning is on"
    if retention:
        period = next(f"{retention[n]} {n.lower()}" for n in ("Days", "Years") if n in retention)
        text += f", and locked for {period} ({retention.get('Mode', '')})"
    return Finding(_PART, Level.OK, text)


def _look_at_policy(project: Project) -> Finding:
    try:
        text = project.s3.get_bucket_policy(Bucket=project.bucket)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        text = '{"Statement": []}'
    folders = (project.layout.incremental, project.layout.manifests_root)
    return judge_policy(json.loads(text), project.bucket, folders)


def judge_policy(policy: Json, bucket: str, folders: Sequence[str]) -> Finding:
    """Judges whether the bucket demands that committed objects cannot be overwritten. Pure.

    Args:
        policy: The bucket's.
        bucket: The bucket.
        folders: Of data files and manifests.
    """
    once = [
        resource
        for statement in policy.get("Statement", ())
        if statement.get("Effect") == "Deny"
        and "s3:if-none-match" in statement.get("Condition", {}).get("Null", {})
        for resource in _listed(statement.get("Resource", ()))
    ]
    open_ones = [f for f in folders if f"arn:aws:s3:::{bucket}/{f}*" not in once]
    if open_ones:
        text = f"the policy of s3://{bucket} lets {' and '.join(open_ones)} be overwritten"
        hint = (
            f"aws s3api put-bucket-policy --bucket {bucket} --policy file://bucket-policy.json "
            "(docs/aws.md)"
        )
        return Finding(_PART, Level.WARN, text, hint)
    return Finding(_PART, Level.OK, "committed objects cannot be overwritten")


def _listed(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


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
    text = f"objects are encrypted with {found}" + (f" by {kms}" if kms else "")
    hint = "check S3_SERVER_SIDE_ENCRYPTION, S3_KMS_KEY_ID and the bucket's default encryption"
    if (wanted and found != wanted) or (wanted_key and kms != wanted_key):
        wish = f"{wanted}" + (f" by {wanted_key}" if wanted_key else "")
        return Finding(_PART, Level.ERROR, f"{text}, not {wish}", hint)
    if found is None:
        # AWS encrypts everything and says so; other servers may not.
        return Finding(_PART, Level.WARN, "S3 does not report objects as encrypted", hint)
    return Finding(_PART, Level.OK, text)


def judge_strangers(may_read: bool, bucket: str) -> Finding:
    """Judges whether an anonymous user may read what we wrote. Pure."""
    if may_read:
        hint = "aws s3api put-public-access-block (docs/aws.md)"
        return Finding(_PART, Level.ERROR, f"anyone can read s3://{bucket}", hint)
    return Finding(_PART, Level.OK, "anonymous access is denied")


def _stranger_reads(project: Project, key: str) -> bool:
    location = project.location
    style: Literal["path", "auto"] = "path" if location.endpoint_url else "auto"
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
    with explained(f"an anonymous read of s3://{project.bucket}/{key}"):
        try:
            stranger.get_object(Bucket=project.bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (401, 403):
                return False
            raise
    return True
