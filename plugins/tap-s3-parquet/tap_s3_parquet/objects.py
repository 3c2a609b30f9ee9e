"""Reading Parquet objects a range at a time, as the version that was committed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from tidemark_core.errors import LakeError
from tidemark_core.names import TableName
from tidemark_core.s3.client import explained

if TYPE_CHECKING:
    import pyarrow.parquet as pq
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3 import S3Client

#: Read ahead, so that a footer or a small column is one request.
_BUFFER = 1 << 20


class ObjectReader(io.RawIOBase):
    """An S3 object as a seekable file; every read is of the same version.

    Args:
        client: S3 client.
        bucket: Bucket.
        key: Key.
        etag: Of the version that is wanted, without quotes; None: the one that is there now.
    """

    def __init__(self, client: S3Client, bucket: str, key: str, etag: str | None = None) -> None:
        super().__init__()
        self._client, self._bucket, self._key = client, bucket, key
        self._position = 0
        with explained(f"reading s3://{bucket}/{key}"):
            head = client.head_object(Bucket=bucket, Key=key)
        self.size = head["ContentLength"]
        self.etag = head["ETag"].strip('"')
        self.metadata = head["Metadata"]
        if etag is not None and etag != self.etag:
            raise LakeError(
                f"s3://{bucket}/{key} is not the file that was committed (ETag {self.etag}, "
                f"the manifest says {etag})",
                hint="find out who overwrote it; nothing of it was read",
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
        with explained(f"reading s3://{self._bucket}/{self._key}"):
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket,
                    Key=self._key,
                    Range=f"bytes={self._position}-{self._position + wanted - 1}",
                    IfMatch=f'"{self.etag}"',
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "PreconditionFailed":
                    raise LakeError(f"s3://{self._bucket}/{self._key} was overwritten") from error
                raise
            data = answer["Body"].read()
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


@contextmanager
def open_parquet(reader: ObjectReader, name: str, table: TableName) -> Iterator[pq.ParquetFile]:
    """Opens an object as a Parquet file.

    Raises:
        LakeError: It is none.
    """
    # A run that names files, or has none, does without Arrow.
    import pyarrow as pa
    import pyarrow.parquet as pq

    with io.BufferedReader(reader, _BUFFER) as buffered:
        try:
            file = pq.ParquetFile(pa.PythonFile(buffered, "r"))
        except pa.ArrowException as error:
            raise LakeError(f"{name} is not a Parquet file: {error}", table=table) from error
        yield file
