"""A lease that is held for a whole command, which ends when the lease is lost.

A command that was frozen (a closed laptop, a paused machine) may wake after another one has taken
its lease: it is sent SIGTERM, as by an operator, and hands that on to its children.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial

from tidemark_core.errors import LakeError, LeaseError
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.lease import Lease
from tidemark_core.s3.lease_record import read_record

#: The owner that holds a job's lease round by round, for which others wait.
FOLLOWER = "tidemark follow"
_FOLLOWER_SECONDS = 900.0
_LOOK_SECONDS = 1.0
#: Time that the command has to end after SIGTERM.
_GRACE_SECONDS = 30.0


def on_stderr(text: str) -> None:
    """Says something while a command waits."""
    print(text, file=sys.stderr, flush=True)


def holding_job(
    location: S3Location,
    owner: str,
    seconds: float,
    *,
    follows: bool = False,
    tell: Callable[[str], object] = on_stderr,
) -> AbstractContextManager[Lease]:
    """Holds the lease that a job holds from its first leg to its last.

    A follower releases it after each round, so others wait for it. One of those that wait holds
    another lease meanwhile, and so has the follower let them in after its round.

    Args:
        location: The lake.
        owner: Who we are, for the message that others see.
        seconds: S3_LEASE_SECONDS.
        follows: Whether we are the follower, which does not wait.
        tell: Called with a message if we wait.

    Raises:
        LeaseError: Another job is at work, or a follower's round takes too long.
        LakeError: S3 refused.
    """
    key, patience = location.layout.job_lease_key(), 0.0
    if not follows:
        found = read_record(location.client(), location.bucket, key)
        if found is not None and not found.is_free and str(found.holder).startswith(FOLLOWER):
            patience = _FOLLOWER_SECONDS
    waiting = location.layout.waiting_lease_key() if patience else None
    return holding(location, key, owner, seconds, patience, tell, waiting)


@contextmanager
def holding(
    location: S3Location,
    key: str,
    owner: str,
    seconds: float,
    patience: float = 0.0,
    tell: Callable[[str], object] = on_stderr,
    waiting: str | None = None,
) -> Iterator[Lease]:
    """Holds a lease for as long as the block works.

    Args:
        location: The lake.
        key: Key of the lease.
        owner: Who we are, for the message that others see.
        seconds: S3_LEASE_SECONDS: how long it outlives us when we stop renewing it.
        patience: Seconds to wait for another process that holds it; infinite: no limit.
        tell: Called with a message if we wait.
        waiting: Key of a lease that is held while we wait, if it can be had.

    Raises:
        LeaseError: Another process still holds it, or it was lost and the block was ended.
        LakeError: S3 refused.
    """
    client = location.client()

    def acquire(key: str) -> Lease:
        return Lease.acquire(client, location.bucket, key, owner=owner, ttl=seconds)

    announce = None if waiting is None else partial(acquire, waiting)
    with _patiently(partial(acquire, key), patience, tell, announce) as lease:
        watch = _Watch(lease)
        try:
            yield lease
        finally:
            watch.end()
            if watch.lost is not None:
                raise watch.lost


def _patiently(
    acquire: Callable[[], Lease],
    patience: float,
    tell: Callable[[str], object],
    announce: Callable[[], Lease] | None,
) -> Lease:
    deadline, is_told = time.monotonic() + patience, False
    with ExitStack() as announced:
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
                    tell(f"waiting{limit}: {error.message}")
                    is_told = True
            if announce is not None:
                with suppress(LeaseError, LakeError):  # another job that waits has announced itself
                    announced.enter_context(announce())
                    announce = None
            time.sleep(min(_LOOK_SECONDS, left))


class _Watch:
    """Watches the lease in a thread, and ends this process when it is lost."""

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
                # Without S3 no other process can take it either: the next look asks again.
                with suppress(LakeError):
                    self._lease.keep()
            except LeaseError as error:
                self.lost = error
                print(f"error: {error}", file=sys.stderr, flush=True)
                os.kill(os.getpid(), signal.SIGTERM)
                if not self._done.wait(_GRACE_SECONDS):
                    # Our children end with us (tidemark_core.host.leash).
                    os.kill(os.getpid(), signal.SIGKILL)
                return
