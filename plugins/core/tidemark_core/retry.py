"""Retries transient failures: one way to wait, one rule for when to give up."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.stop import stop_after_delay, stop_never

from tidemark_core.errors import TidemarkError

#: Seconds before the second try, and the most before any.
_FIRST, _LONGEST = 0.5, 30.0
T = TypeVar("T")


def pause(failures: int) -> float:
    """Seconds before the next try: twice as long after each failure, less up to a half at random.

    Args:
        failures: How often it has failed, at least once.
    """
    longest = min(_LONGEST, _FIRST * 2.0 ** (failures - 1))
    return longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter


def retried(
    step: Callable[[], T],
    attempts: int,
    tell: Callable[[TidemarkError, int, float], None],
    *,
    within: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Runs a step until it succeeds, fails permanently, or has no tries left.

    Args:
        step: Starts from the beginning on each try.
        attempts: Tries, at least one.
        tell: Called for each failure that another try follows, with the error, its number, and
            the seconds until then.
        within: Seconds after which no further try begins; None for no limit.
        sleep: Waits the given seconds; an exception from it ends the tries.

    Raises:
        TidemarkError: That of the last try, or one that is not ``retryable``.
    """

    def before_sleep(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        assert isinstance(error, TidemarkError)  # noqa: S101 - no other error is retried
        tell(error, state.attempt_number, state.upcoming_sleep)

    late = stop_never if within is None else stop_after_delay(within)
    tries = Retrying(
        retry=retry_if_exception(_is_passing),
        stop=stop_after_attempt(attempts) | late,
        wait=lambda state: pause(state.attempt_number),
        before_sleep=before_sleep,
        sleep=sleep,
        reraise=True,
    )
    return tries(step)


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, TidemarkError) and error.retryable
