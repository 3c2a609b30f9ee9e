"""A lease in S3: one writer per table and leg, on any number of machines, and nothing to clean up.

The lease is one small object that is only ever written conditionally (``If-None-Match``,
``If-Match``: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html).
Whether it has expired is judged by S3's own clock (the answer's ``Date`` against the object's
``Last-Modified``), so that machines whose clocks differ agree. It is never deleted, because it
remembers the fencing token, which must only grow.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from tidemark_core.errors import LakeError, LeaseError
from tidemark_core.host.process_identity import Holder
from tidemark_core.s3.errors import explained
from tidemark_core.s3.lease_record import CLOCK_GRAIN, VERSION, look, read_record
from tidemark_core.text.moments import to_second

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger("tidemark_core.lease")
#: A holder stops this fraction of the ttl before others may take over.
_MARGIN = 0.1
_ATTEMPTS = 10
#: Nonces written to leases that this process could not release: nothing in it holds them now.
_left: set[str] = set()
_REFUSED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})


class Lease:
    """The right to write one table on one leg; use it as a context manager.

    Attributes:
        key: Key of the lease object.
        fence: Fencing token: greater than that of every earlier holder.
    """

    def __init__(
        self, client: S3Client, bucket: str, key: str, holder: Holder, ttl: float, fence: int
    ) -> None:
        self.key = key
        self.fence = fence
        self._client = client
        self._bucket = bucket
        self._holder = holder
        self._ttl = ttl
        self._since = to_second(datetime.now(UTC))
        # Nonces of our writes that are not known to have failed; the last good one too.
        self._ours: set[str] = set()
        self._etag = ""
        self._valid_until = 0.0
        self._lost: str | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew_always, name=f"lease {key}", daemon=True)

    @classmethod
    def acquire(
        cls, client: S3Client, bucket: str, key: str, *, owner: str, ttl: float = 60
    ) -> Lease:
        """Takes the lease if it is free, expired, or its holder on this machine has died.

        A lease that this process could not release is free to it.

        Args:
            client: S3 client.
            bucket: Bucket of the lake.
            key: From `tidemark_core.lake.layout.LakeLayout.lease_key`.
            owner: Who we are, for the message that others see; the process is added.
            ttl: Seconds after which others may take over when we stop renewing.

        Raises:
            LeaseError: Another process holds it.
            LakeError: S3 refused.
        """
        holder = Holder.this_process(owner)
        for _ in range(_ATTEMPTS):
            found, now = look(client, bucket, key)
            if found is not None and not found.is_free and found.nonce not in _left:
                raise LeaseError(
                    f"{found.holder} has been writing since {found.since}; its lease {key} is "
                    f"valid for another {max(0.0, found.ttl - found.age):.0f} s and is being "
                    "renewed",
                    hint="wait for that run to end, then run again; if it crashed, its lease "
                    f"expires by itself within {found.ttl + CLOCK_GRAIN:.0f} s",
                )
            fence = max((found.fence if found else 0) + 1, _floor(now))
            lease = cls(client, bucket, key, holder, ttl, fence)
            condition = {"IfMatch": found.etag} if found else {"IfNoneMatch": "*"}
            with explained(f"writing the lease s3://{bucket}/{key}"):
                if lease._write(condition):
                    lease._thread.start()
                    logger.info("lease taken", extra={"lease": key, "fence": fence})
                    return lease
        raise LeaseError(
            f"other processes keep taking the lease {key}", hint="run again when they have finished"
        )

    @classmethod
    def is_free(cls, client: S3Client, bucket: str, key: str) -> bool:
        """Whether no process holds the lease now; only reads it.

        Raises:
            LakeError: S3 refused.
        """
        found = read_record(client, bucket, key)
        return found is None or found.is_free

    def check(self) -> None:
        """Makes sure that we still hold it, by our own clock; sends no request.

        Raises:
            LeaseError: It was lost, or could not be renewed in time.
        """
        if self._lost is None and _now() >= self._valid_until:
            self._lost = "it could not be renewed in time"
        if self._lost is not None:
            raise LeaseError(
                f"the lease {self.key} was lost: {self._lost}",
                hint="run again; uncommitted data will be read again",
            )

    def renew(self) -> None:
        """Renews it now and so asks S3 whether it is still ours: do this around a commit.

        Raises:
            LeaseError: It was lost.
            LakeError: S3 refused or could not be reached.
        """
        self.check()
        with self._lock, explained(f"renewing the lease s3://{self._bucket}/{self.key}"):
            self._renew_locked()
        self.check()

    def keep(self) -> None:
        """Makes sure that we still hold it, also after a pause in which it was not renewed.

        Unlike `check` it asks S3 when the time is over: perhaps no other process has taken it. Code
        that writes under a fencing token must `check`.

        Raises:
            LeaseError: It was lost.
            LakeError: S3 refused or could not be reached.
        """
        with self._lock, explained(f"renewing the lease s3://{self._bucket}/{self.key}"):
            if self._lost is None and _now() >= self._valid_until:
                self._renew_locked()
        if self._lost is not None:
            self.check()

    def release(self) -> None:
        """Gives it back, so that the next holder need not wait. Never raises."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=self._ttl)
        with self._lock:
            if self._lost is None:
                try:
                    self._write({"IfMatch": self._etag}, released=True)
                except (ClientError, BotoCoreError, LakeError) as error:
                    _left.update(self._ours)
                    logger.warning(
                        "lease not released; it will expire by itself: %s",
                        error,
                        extra={"lease": self.key, "ttl": self._ttl},
                    )
                self._lost = "it was released"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _write(self, condition: dict[str, Any], *, released: bool = False) -> bool:
        """Puts the object under a condition; False when the condition did not hold.

        An answer that got lost on the way, or an error in its place, makes our own next write fail
        the condition, and S3 also answers 409 to requests that merely coincide: so a failed
        condition is believed only if the object is not one that we have written.
        """
        nonce, begun = uuid.uuid4().hex, _now()
        self._ours.add(nonce)
        document = {
            "version": VERSION,
            "holder": self._holder.to_dict(),
            "since": self._since,
            "ttl": self._ttl,
            "fence": self.fence,
            "released": released,
            "nonce": nonce,
        }
        body = json.dumps(document, indent=1).encode()
        for _ in range(_ATTEMPTS):
            try:
                answer = self._client.put_object(
                    Bucket=self._bucket,
                    Key=self.key,
                    Body=body,
                    ContentType="application/json",
                    **condition,
                )
                etag = answer["ETag"]
                break
            except ClientError as error:
                if error.response["Error"]["Code"] not in _REFUSED:
                    raise
            found = read_record(self._client, self._bucket, self.key)
            if found is not None and found.nonce == nonce:
                etag = found.etag
                break
            if found is None or found.nonce not in self._ours:
                return False
            condition = {"IfMatch": found.etag}
        else:
            return False
        self._etag, self._ours = etag, {nonce}
        self._valid_until = begun + self._ttl * (1 - _MARGIN)
        return True

    def _renew_locked(self) -> None:
        if self._write({"IfMatch": self._etag}):
            return
        self._lost = "another process took over"
        found = read_record(self._client, self._bucket, self.key)
        self._lost = f"{found.holder} took over" if found else "its object was removed"
        logger.error("lease lost: %s", self._lost, extra={"lease": self.key})

    def _renew_always(self) -> None:
        while not self._stop.wait(self._ttl / 3):
            try:
                with self._lock:
                    if self._stop.is_set() or self._lost is not None:
                        return
                    self._renew_locked()
            except Exception as error:  # noqa: BLE001 - the next try may succeed in time
                logger.warning("lease not renewed yet: %s", error, extra={"lease": self.key})


def _boot_clock() -> Callable[[], float]:
    """A clock that keeps running while the machine sleeps, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if clock is None else (lambda: time.clock_gettime(clock))


_now = _boot_clock()


def _floor(now: datetime) -> int:
    """The least fencing token, for a bucket whose lease object was removed or cannot be read.

    Milliseconds since 1970 by S3's clock, which gives seconds; ours only adds the milliseconds.
    """
    second = int(now.timestamp()) * 1000
    return min(max(second, time.time_ns() // 1_000_000), second + 999)
