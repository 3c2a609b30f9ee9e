"""A file named by a Singer BATCH message, and what its writer knows of it.

The Singer SDK's BATCH message has no room for facts about a file, so they ride in the URL's query:
``file:///…/0001.parquet?rows=50000&stats={…}``. A target that does not know them ignores them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from tidemark_core.errors import LakeError
from tidemark_core.text.documents import Json


@dataclass(frozen=True)
class BatchFile:
    """One file of a BATCH message.

    Attributes:
        url: ``file:///…`` or ``s3://bucket/key``, without a query, path percent-encoded.
        facts: What the writer knows: ``rows`` and ``etag``, ``bytes``, ``stats``,
            ``conversions``, ``manifest`` as it applies; ``has_more``, true, where the file is a
            part of a full copy that further files complete: it counts only with the last one.
    """

    url: str
    facts: Json = field(default_factory=dict)

    @classmethod
    def local(cls, path: str, **facts: Any) -> BatchFile:
        """Names a file on this machine by its absolute path."""
        return cls("file://" + quote(path), facts)

    @classmethod
    def s3(cls, bucket: str, key: str, **facts: Any) -> BatchFile:
        """Names an object."""
        return cls(f"s3://{bucket}/{quote(key)}", facts)

    def to_url(self) -> str:
        if not self.facts:
            return self.url
        query = {name: json.dumps(value, default=str) for name, value in self.facts.items()}
        return f"{self.url}?{urlencode(query)}"

    @classmethod
    def from_url(cls, url: str) -> BatchFile:
        """Reads what `to_url` writes.

        Raises:
            LakeError: The URL is neither ``file://`` nor ``s3://``, it names another machine's
                file, or its query is not ours.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("file", "s3") or not parts.path:
            raise LakeError(f"a BATCH message names {parts.scheme}://…, not a file:// or s3:// URL")
        # https://www.rfc-editor.org/rfc/rfc8089#section-2
        if parts.scheme == "file" and parts.netloc not in ("", "localhost"):
            raise LakeError(f"a BATCH message names a file of {parts.netloc}, not of this machine")
        try:
            facts = {name: json.loads(values[0]) for name, values in parse_qs(parts.query).items()}
        except ValueError as error:
            raise LakeError("a BATCH message has file metadata that is not valid JSON") from error
        return cls(f"{parts.scheme}://{parts.netloc}{parts.path}", facts)

    @property
    def path(self) -> str:
        """Path of a local file.

        Raises:
            LakeError: It is not a local file.
        """
        parts = urlsplit(self.url)
        if parts.scheme != "file":
            raise LakeError(f"{self.url} is not a local file")
        return unquote(parts.path)

    @property
    def s3_location(self) -> tuple[str, str]:
        """Bucket and key of an object.

        Raises:
            LakeError: It is not an S3 object.
        """
        parts = urlsplit(self.url)
        if parts.scheme != "s3":
            raise LakeError(f"{self.url} is not an S3 object")
        return parts.netloc, unquote(parts.path.removeprefix("/"))
