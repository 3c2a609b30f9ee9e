"""The lease object in S3: its holder and its remaining time."""

from __future__ import annotations

import json
import logging
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tidemark_core.host.process_identity import Holder
from tidemark_core.s3.errors import explained
from tidemark_core.s3.objects import server_time
from tidemark_core.text.moments import to_second

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger("tidemark_core.lease")
VERSION = 1
#: S3 tells times in whole seconds; a lease counts as expired this many seconds late.
CLOCK_GRAIN = 2.0
#: For a lease object that cannot be read.
_UNKNOWN = Holder("an unknown process", "unknown", 0)
_UNKNOWN_TTL = 60.0
#: Limits of a lease; one beyond them counts as unreadable. Bytes; seconds; how many milliseconds a
#: fence may be ahead of S3's clock. One that is far ahead would get into the warehouse's ledger by
#: the next load, and shut out every process that starts over by the clock.
_LARGEST, _LONGEST_TTL, _FENCE_AHEAD = 64 << 10, 86_400.0, 86_400_000


@dataclass(frozen=True)
class LeaseRecord:
    """The lease object, as it was read.

    Attributes:
        etag: Of the object.
        nonce: Of the write that made it.
        fence: Fencing token of its holder.
        holder: Who wrote it.
        since: When the holder took it, for people.
        ttl: Seconds after which others may take over.
        released: Whether its holder has given it back.
        age: Seconds since it was written, by S3's clock.
    """

    etag: str
    nonce: str
    fence: int
    holder: Holder
    since: str
    ttl: float
    released: bool
    age: float

    @property
    def is_free(self) -> bool:
        """Whether others may take it now."""
        return self.released or self.holder.is_gone or self.age > self.ttl + CLOCK_GRAIN

    @classmethod
    def parse(cls, key: str, body: bytes, etag: str, modified: datetime, age: float) -> LeaseRecord:
        """Reads the object; one that cannot be read is held by an unknown process for a minute."""
        try:
            document = json.loads(body)
            if document["version"] != VERSION:
                raise ValueError(f"version {document['version']!r}")
            fence, ttl = int(document["fence"]), float(document["ttl"])
            greatest = (modified.timestamp() + age) * 1000 + _FENCE_AHEAD
            if not (0 <= fence <= greatest and 0 < ttl <= _LONGEST_TTL):
                raise ValueError(f"fence {fence}, ttl {ttl}")
            return cls(
                etag=etag,
                nonce=str(document["nonce"]),
                fence=fence,
                holder=Holder.from_dict(document["holder"]),
                since=str(document["since"]),
                ttl=ttl,
                released=bool(document["released"]),
                age=age,
            )
        except (
            *(KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError),
        ) as error:
            # Not ours, or of a later Tidemark: respected as long as a process keeps writing it.
            logger.warning("%s is not a readable lease: %r", key, error, extra={"lease": key})
            since = to_second(modified)
            return cls(etag, "", 0, _UNKNOWN, since, _UNKNOWN_TTL, False, age)


def read_record(client: S3Client, bucket: str, key: str) -> LeaseRecord | None:
    """Reads the lease object; None when there is none.

    Raises:
        LakeError: S3 refused.
    """
    return look(client, bucket, key)[0]


def look(client: S3Client, bucket: str, key: str) -> tuple[LeaseRecord | None, datetime]:
    """Reads the lease object, as `read_record`, and S3's clock.

    Raises:
        LakeError: S3 refused.
    """
    with explained(f"reading the lease s3://{bucket}/{key}"):
        try:
            answer = client.get_object(Bucket=bucket, Key=key)
            with closing(answer["Body"]) as stream:
                body = stream.read(_LARGEST)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None, server_time(error.response)
            raise
    modified, now = answer["LastModified"], server_time(answer)
    age = max(0.0, (now - modified).total_seconds())
    return LeaseRecord.parse(key, body, answer["ETag"], modified, age), now
