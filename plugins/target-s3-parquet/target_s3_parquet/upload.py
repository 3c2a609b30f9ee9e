"""Putting files and manifests into the lake: never over something that is there already."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, TypeVar

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from tidemark_core.errors import LakeError
from tidemark_core.lake.layout import RUN_METADATA
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.errors import explained

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

T = TypeVar("T")
_MEGABYTE = 1 << 20
#: Above this size the transfer manager sends parts, and aborts the upload when one of them fails.
_TRANSFER = TransferConfig(
    multipart_threshold=64 * _MEGABYTE, multipart_chunksize=8 * _MEGABYTE, max_concurrency=4
)
# Parts are read ahead, ten of them by default; boto3 has no argument for it.
_TRANSFER.max_in_memory_upload_chunks = 4
#: Refusals after which the object may exist all the same; the last one is the answer to a second
#: try to complete an upload in parts when the first has succeeded.
_UNCLEAR = frozenset(
    {"PreconditionFailed", "ConditionalRequestConflict", "412", "409", "NoSuchUpload"}
)
_ABSENT = frozenset({"NoSuchKey", "404"})
_ATTEMPTS, _PAUSE = 5, 1.0
#: Object metadata: a random id of the upload, by which one whose answer was lost is recognised.
_TOKEN_METADATA = "tidemark-upload"  # noqa: S105 - the name of a header


class KeyTakenError(Exception):
    """Something else is at this key already."""


@dataclass(frozen=True)
class Uploaded:
    """An object as S3 describes it after the upload: ETag without quotes, size in bytes."""

    etag: str
    size: int


class Uploader:
    """Writes objects that did not exist before.

    Args:
        place: The lake.
        run_id: Written into the metadata of each data file.
    """

    def __init__(self, place: S3Location, run_id: str) -> None:
        self._place = place
        self._run_id = run_id
        self._client = conditional_client(place)

    def put_file(self, file: IO[bytes], key: str) -> Uploaded:
        """Uploads an open file from its start; the file stays open.

        Raises:
            KeyTakenError: The key is taken.
            LakeError: S3 refused, or what it stored is not what was sent.
        """
        token = uuid.uuid4().hex
        size = file.seek(0, os.SEEK_END)
        where = f"s3://{self._place.bucket}/{key}"

        def put() -> HeadObjectOutputTypeDef:
            self._upload(file, key, token)
            return self._head(key)

        with explained(f"uploading {where}"):
            head = self._tried(put, lambda: self._head(key))
        if head["Metadata"].get(_TOKEN_METADATA) != token:
            raise KeyTakenError(key)
        if head["ContentLength"] != size:
            raise LakeError(f"{where} has {head['ContentLength']} bytes; {size} were sent")
        self._place.verify_encryption(head, where)
        return Uploaded(head["ETag"].strip('"'), size)

    def put_manifest(self, key: str, body: bytes) -> None:
        """Puts a manifest, which is the commit of what it names.

        Raises:
            KeyTakenError: Another manifest is at this key.
            LakeError: S3 refused.
        """
        bucket = self._place.bucket

        def put() -> bytes:
            self._client.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType="application/json"
            )
            return body

        def there() -> bytes:
            return self._client.get_object(Bucket=bucket, Key=key)["Body"].read()

        with explained(f"committing s3://{bucket}/{key}"):
            if self._tried(put, there) != body:
                raise KeyTakenError(key)

    def _tried(self, put: Callable[[], T], there: Callable[[], T]) -> T:
        """Puts an object and returns what is there then, which may be another writer's.

        A put that S3 refused may have succeeded on the first try, whose answer was lost; and one
        that met another request must be tried again when nothing is there
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
        """
        for left in reversed(range(_ATTEMPTS)):
            try:
                return put()
            except ClientError as error:
                if error.response["Error"]["Code"] not in _UNCLEAR:
                    raise
                refused = error
            try:
                return there()
            except ClientError as error:
                if error.response["Error"]["Code"] not in _ABSENT:
                    raise
                if not left:
                    raise refused from error
            time.sleep(_PAUSE)
        raise AssertionError("unreachable: at least one attempt is made")

    def _upload(self, file: IO[bytes], key: str, token: str) -> None:
        try:
            # The transfer manager closes what it is given.
            with os.fdopen(os.dup(file.fileno()), "rb") as copy:
                copy.seek(0)
                self._client.upload_fileobj(
                    copy,
                    self._place.bucket,
                    key,
                    ExtraArgs={
                        "ContentType": "application/vnd.apache.parquet",
                        "Metadata": {RUN_METADATA: self._run_id, _TOKEN_METADATA: token},
                    },
                    Config=_TRANSFER,
                )
        except S3UploadFailedError as error:
            raise LakeError(
                f"s3://{self._place.bucket}/{key} could not be uploaded: {error}",
                stops_all=True,
            ) from error

    def _head(self, key: str) -> HeadObjectOutputTypeDef:
        return self._client.head_object(Bucket=self._place.bucket, Key=key)


def conditional_client(place: S3Location) -> S3Client:
    """Makes a client that refuses to overwrite any object, in one part or in many.

    The transfer manager has no argument for the condition, so it is added on the way
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
    """
    client = place.client()
    for operation in ("PutObject", "CompleteMultipartUpload"):
        client.meta.events.register(f"before-parameter-build.s3.{operation}", _if_none_match)
    return client


def _if_none_match(params: dict[str, Any], **_: object) -> None:
    params["IfNoneMatch"] = "*"
