"""Objects of a bucket: listed, read as documents, deleted; and the clock of S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tidemark_core.errors import LakeError
from tidemark_core.s3.errors import explained, not_deleted

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef, ObjectTypeDef

#: What one request may delete.
_MOST_KEYS = 1000
#: Bytes. No honest manifest or run report comes near this.
_LARGEST_DOCUMENT = 32 << 20


def list_keys(
    client: S3Client, bucket: str, prefix: str, *, after: str = ""
) -> Iterator[ObjectTypeDef]:
    """Lists all objects below a prefix, past 1,000, as S3 describes them, by key in each page.

    Args:
        client: S3 client.
        bucket: Its bucket.
        prefix: What their keys begin with.
        after: Only keys that come after this one.

    Raises:
        LakeError: S3 refused.
    """
    with explained(f"listing s3://{bucket}/{prefix}"):
        pages = client.get_paginator("list_objects_v2")
        only: dict[str, Any] = {"StartAfter": after} if after else {}
        for page in pages.paginate(Bucket=bucket, Prefix=prefix, **only):
            yield from page.get("Contents", [])


def delete_all(
    client: S3Client, bucket: str, keys: Sequence[str], what: str, *, table: object = None
) -> None:
    """Deletes objects, 1,000 per request.

    Args:
        client: S3 client.
        bucket: Their bucket.
        keys: Their keys; one that does not exist counts as deleted.
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
            raise not_deleted(failed, table)


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
            raise LakeError(f"{where} has {size} bytes: larger than expected")
        return bytes(body.read())


def server_time(answer: Mapping[str, Any]) -> datetime:
    """S3's time, from one of its answers; ours if it has none."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date).astimezone(UTC) if date else datetime.now(UTC)


def ask_time(client: S3Client, bucket: str) -> datetime:
    """S3's time, by which ages are measured, whatever this machine's clock says.

    Raises:
        LakeError: The bucket cannot be reached.
    """
    with explained(f"reading s3://{bucket}"):
        return server_time(client.head_bucket(Bucket=bucket))
