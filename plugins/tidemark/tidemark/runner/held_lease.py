"""A lease that is held for a whole command, which ends when the lease is lost.

A command that was frozen (a laptop's lid, a paused machine) may wake when another one has begun its
work: it is told to end, as by an operator, and hands that on to what it has started.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tidemark_core.errors import LakeError, LeaseError
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.lease import Lease

_LOOK_SECONDS = 1.0
#: What was told to end has so long to do it.
_GRACE_SECONDS = 30.0


@contextmanager
def holding(
    location: S3Location, key: str, owner: str, seconds: float, patience: float = 0.0
) -> Iterator[Lease]:
    """Holds a lease for as long as the block works.

    Args:
        location: The lake.
        key: Key of the lease.
        owner: Who we are, for the message that others see.
        seconds: S3_LEASE_SECONDS: so long it outlives us when we stop renewing.
        patience: Seconds to wait for somebody else who holds it, which is told; infinite: any time.

    Raises:
        LeaseError: Somebody else holds it still, or it was lost on the way and the block was ended.
        LakeError: S3 refused.
    """
    client = location.client()

    def acquire() -> Lease:
        return Lease.acquire(client, location.bucket, key, owner=owner, ttl=seconds)

    with _patiently(acquire, patience) as lease:
        watch = _Watch(lease)
        try:
            yield lease
        finally:
            watch.end()
            if watch.lost is not None:
                raise watch.lost


def _patiently(acquire: Callable[[], Lease], patience: float) -> Lease:
    deadline, is_told = time.monotonic() + patience, False
    while True:
        try:
            return acquire()
        except LeaseError as error:
            left = deadline - time.monotonic()
            if left <= 0:
                waited = f" (waited {patience:.0f} s)" if patience else ""
                raise LeaseError(f"{error.message}{waited}", hint=error.hint) from error
            if not is_told:
                limit = "" if math.isinf(patience) else f", at most {patience:.0f} s"
                print(f"waiting{limit}: {error.message}", file=sys.stderr, flush=True)
                is_told = True
        time.sleep(min(_LOOK_SECONDS, left))


class _Watch:
    """Looks after the lease in a thread, and has this process end when it is lost."""

    def __init__(self, lease: Lease) -> None:
        self.lost: LeaseError | None = None
        self._lease = lease
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, name="lease watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(_LOOK_SECONDS):
            try:
                # Without S3 nobody else can take it either: the next look asks again.
                with suppress(LakeError):
                    self._lease.keep()
            except LeaseError as error:
                self.lost = error
                print(f"error: {error}", file=sys.stderr, flush=True)
                os.kill(os.getpid(), signal.SIGTERM)
                if not self._done.wait(_GRACE_SECONDS):
                    # What we have started ends with us (tidemark_core.host.leash).
                    os.kill(os.getpid(), signal.SIGKILL)
                return
