"""Reads ranges of an S3 object, in the version that was committed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tidemark_core.errors import LakeError
from tidemark_core.s3.errors import explained

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef


class ObjectReader(io.RawIOBase):
    """An S3 object as a seekable file; every read is of the same version.

    Args:
        client: S3 client.
        bucket: Bucket.
        key: Key.
        etag: ETag of the wanted version, with or without quotes; None for the current one.
        size: Bytes of that version; None: S3 is asked.

    Raises:
        LakeError: The object is gone, or is another version.
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        key: str,
        etag: str | None = None,
        size: int | None = None,
    ) -> None:
        super().__init__()
        self._client, self._bucket, self._key = client, bucket, key
        self._position = 0
        self.etag = etag.strip('"') if etag else self._head["ETag"].strip('"')
        self.size = self._head["ContentLength"] if size is None else size
        if size is None and self._head["ETag"].strip('"') != self.etag:
            raise self._overwritten()

    @property
    def metadata(self) -> Mapping[str, str]:
        """What its writer noted with the object."""
        return self._head["Metadata"]

    @cached_property
    def _head(self) -> HeadObjectOutputTypeDef:
        with explained(f"reading s3://{self._bucket}/{self._key}"):
            return self._client.head_object(Bucket=self._bucket, Key=self._key)

    def _overwritten(self) -> LakeError:
        return LakeError(
            f"s3://{self._bucket}/{self._key} is not the file that was committed "
            f"(the manifest says ETag {self.etag})",
            hint="find out who overwrote it; nothing was read from it",
        )

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self.size - self._position)
        if wanted <= 0:
            return 0
        data = self._get(self._position, wanted)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _get(self, start: int, size: int) -> bytes:
        with explained(f"reading s3://{self._bucket}/{self._key}"):
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket,
                    Key=self._key,
                    Range=f"bytes={start}-{start + size - 1}",
                    IfMatch=f'"{self.etag}"',
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "PreconditionFailed":
                    raise self._overwritten() from error
                raise
            return answer["Body"].read()
