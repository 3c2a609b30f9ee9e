"""Retries transient errors of the source: a full server, a lost connection."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from tidemark_core.errors import TidemarkError
from tidemark_core.retry import retried
from tidemark_core.runs.report import current

from tap_mysql.source.arrow_query import Stopped

logger = logging.getLogger("tap-mysql.again")
Answer = TypeVar("Answer")


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
        attempts: Maximum attempts.
        stop: Ends the wait between two of them when it is set.
        table: The table that it is about; None: all.
        within: Seconds after which no further attempt is made; None: no limit.

    Raises:
        TidemarkError: That of the last attempt, or one that no retry can fix.
        Stopped: ``stop`` was set.
    """

    def tell(error: TidemarkError, failures: int, seconds: float) -> None:
        if table is not None:
            current().tried_again(table)
        text = "%s: retrying in %.1f s: %s"
        logger.warning(text, what, seconds, error.message, extra={"attempt": failures})

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise Stopped

    return retried(ask, attempts, tell, within=within, sleep=sleep)
