"""Files of a COPY: found in S3 by prefix or manifest, read as streams.

Sources: "COPY from Amazon S3", "Using a manifest to specify data files" in the Amazon Redshift
Database Developer Guide.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import zstandard
from botocore.exceptions import BotoCoreError, ClientError
from isal import igzip

from redshift_stand_in.errors import INTERNAL_ERROR, INVALID_PARAMETER, StatementError
from redshift_stand_in.options.options import Options

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_URL = re.compile(r"s3://([^/]+)/(.+)", re.S)
_CODECS = {"UTF16": "utf-16", "UTF16LE": "utf-16-le", "UTF16BE": "utf-16-be", "ISO88591": "latin-1"}
#: Any, since igzip has no type annotations.
_open_gzip: Any = igzip.GzipFile
_MISSING = frozenset(("404", "NoSuchKey", "NotFound"))


@dataclass(frozen=True)
class SourceFile:
    """An object to load.

    Attributes:
        bucket: its bucket.
        key: its key.
        size: its length in bytes as stored.
    """

    bucket: str
    key: str
    size: int

    @property
    def url(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``.

    Raises:
        StatementError: it is not such a URL.
    """
    match = _URL.fullmatch(url)
    if not match:
        raise StatementError(f"Invalid S3 URI: {url}", INVALID_PARAMETER)
    return match[1], match[2]


def find(client: S3Client, url: str, options: Options) -> list[SourceFile]:
    """The objects that a COPY loads.

    Raises:
        StatementError: there are none, one that is mandatory is missing, the manifest cannot be
            read, or S3 refuses.
    """
    bucket, key = split_url(url)
    files = (
        _from_manifest(client, bucket, key, options)
        if "MANIFEST" in options
        else _from_prefix(client, bucket, key)
    )
    if not files:
        raise StatementError(f"The specified S3 prefix '{key}' does not exist", INTERNAL_ERROR)
    return files


def _from_prefix(client: S3Client, bucket: str, prefix: str) -> list[SourceFile]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    with s3_errors(f"s3://{bucket}/{prefix}"):
        found = [o for page in pages for o in page.get("Contents", [])]
    return [SourceFile(bucket, o["Key"], o["Size"]) for o in found if not o["Key"].endswith("/")]


def _from_manifest(client: S3Client, bucket: str, key: str, options: Options) -> list[SourceFile]:
    with s3_errors(f"s3://{bucket}/{key}", "Problem reading manifest file - "):
        text = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    files = []
    for entry in manifest_entries(text, columnar=options.parquet):
        file = _stat(client, entry)
        if file is not None:
            files.append(file)
    return files


def manifest_entries(text: bytes, *, columnar: bool) -> list[dict[str, Any]]:
    """The entries of a manifest, checked.

    Args:
        text: JSON.
        columnar: whether the files are Parquet, whose lengths must be stated.

    Raises:
        StatementError: it is not a manifest.
    """
    try:
        manifest = json.loads(text)
        entries = manifest["entries"]
    except (ValueError, KeyError, TypeError) as error:
        raise StatementError(
            f"Manifest file is not in correct json format: {error}", INTERNAL_ERROR
        ) from None
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise StatementError("Manifest file is not in correct json format: entries", INTERNAL_ERROR)
    for entry in entries:
        if not isinstance(entry.get("url"), str):
            raise StatementError("Manifest file is not in correct json format: url", INTERNAL_ERROR)
        split_url(entry["url"])
        if not isinstance(entry.get("mandatory", False), bool):
            raise StatementError(
                "Manifest file is not in correct json format: mandatory", INTERNAL_ERROR
            )
        if columnar and not isinstance(entry.get("meta", {}).get("content_length"), int):
            raise StatementError(
                "Manifest file must contain meta.content_length for each entry when the "
                "format is PARQUET: "
                f"{entry['url']}",
                INTERNAL_ERROR,
            )
    return cast("list[dict[str, Any]]", entries)


def _stat(client: S3Client, entry: dict[str, Any]) -> SourceFile | None:
    bucket, key = split_url(entry["url"])
    try:
        size = client.head_object(Bucket=bucket, Key=key)["ContentLength"]
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING and not entry.get("mandatory", False):
            return None
        raise _s3_error(error, entry["url"], "") from None
    stated = entry.get("meta", {}).get("content_length")
    if stated is not None and stated != size:
        raise StatementError(
            f"The length of {entry['url']} is {size}, its manifest says {stated}", INTERNAL_ERROR
        )
    return SourceFile(bucket, key, size)


@contextmanager
def s3_errors(what: str, prefix: str = "") -> Iterator[None]:
    """Turns S3's refusals into errors that name the object."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise _s3_error(error, what, prefix) from None


def _s3_error(error: ClientError | BotoCoreError, what: str, prefix: str) -> StatementError:
    if isinstance(error, ClientError):
        known = error.response["Error"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        text = f"{known.get('Message', '')},Status {status},Error {known.get('Code', '')}"
    else:
        text = str(error)
    return StatementError(f"{prefix}S3ServiceException:{text}, reading {what}", INTERNAL_ERROR)


@contextmanager
def opened(client: S3Client, file: SourceFile, options: Options) -> Iterator[BinaryIO]:
    """The file's data, decompressed and in UTF-8, as a stream.

    Raises:
        StatementError: S3 refuses, or the data is not what GZIP or ZSTD says.
    """
    with s3_errors(file.url):
        body = client.get_object(Bucket=file.bucket, Key=file.key)["Body"]
    stream = _decompressed(
        cast("BinaryIO", io.BufferedReader(cast("Any", _Body(body)), 1 << 20)), options
    )
    if options.encoding != "UTF8":
        stream = cast("BinaryIO", _Utf8(stream, _CODECS[options.encoding]))
    try:
        yield stream
    except (OSError, EOFError, zstandard.ZstdError, UnicodeError) as error:
        raise StatementError(
            f"Problem reading {file.url}: {options.compression or options.encoding}: {error}",
            INTERNAL_ERROR,
        ) from error
    except BotoCoreError as error:
        raise _s3_error(error, file.url, "") from error
    finally:
        body.close()


def _decompressed(stream: BinaryIO, options: Options) -> BinaryIO:
    if options.compression == "GZIP":
        return cast("BinaryIO", _open_gzip(fileobj=stream, mode="rb"))
    if options.compression == "ZSTD":
        reader = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
        return cast("BinaryIO", reader)
    return stream


class _Body(io.RawIOBase):
    """boto3's body as a raw stream, which a BufferedReader can read."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Utf8:
    """A stream in another encoding, read as UTF-8."""

    def __init__(self, stream: BinaryIO, codec: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(codec)()

    def read(self, size: int) -> bytes:
        while True:
            data = self._stream.read(size)
            text = self._decoder.decode(data, final=not data)
            if text or not data:
                return text.encode()
