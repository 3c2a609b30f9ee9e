"""Trying again what the source refused for the moment: a full server, a lost connection."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from tidemark_core.errors import TidemarkError
from tidemark_core.runs.report import current

from tap_mysql.source.arrow_query import Stopped

logger = logging.getLogger("tap-mysql.again")
_BACKOFF_SECONDS, _BACKOFF_LIMIT = 0.5, 30.0
Answer = TypeVar("Answer")


def pause(failures: int) -> float:
    """Seconds before the next try, more after each failure."""
    longest = min(_BACKOFF_LIMIT, _BACKOFF_SECONDS * 2.0 ** (failures - 1))
    return longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter


def persist(
    ask: Callable[[], Answer],
    what: str,
    attempts: int,
    stop: threading.Event,
    *,
    table: object | None = None,
    within: float | None = None,
) -> Answer:
    """Asks until there is an answer.

    Args:
        ask: Asks once.
        what: What is asked for, for people.
        attempts: Tries.
        stop: Ends the wait between two of them when it is set.
        table: The table that it is about; None: all.
        within: Seconds after which no other try is begun; None: however long it takes.

    Raises:
        TidemarkError: That of the last try, or one that another try cannot mend.
        Stopped: ``stop`` was set.
    """
    began = time.monotonic()
    for failures in range(1, attempts + 1):
        try:
            return ask()
        except TidemarkError as error:
            late = within is not None and time.monotonic() - began >= within
            if not error.retryable or failures == attempts or late:
                raise
            seconds, reason = pause(failures), error.message
        if table is not None:
            current().tried_again(table)
        logger.warning(
            "%s: trying again in %.1f s: %s", what, seconds, reason, extra={"attempt": failures}
        )
        if stop.wait(seconds):
            raise Stopped
    raise ValueError(f"{attempts} attempts")
