"""What failed for the moment is tried again, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tidemark_core.errors import LakeError, TidemarkError
from tidemark_core.retry import pause, retried

PASSING = LakeError("S3 is busy", retryable=True)
FINAL = LakeError("S3 refused", retryable=False)


def failing(*errors: Exception) -> Callable[[], str]:
    left = iter(errors)

    def step() -> str:
        for error in left:
            raise error
        return "done"

    return step


Told = list[tuple[TidemarkError, int]]


def run(step: Callable[[], str], attempts: int, within: float | None = None) -> tuple[str, Told]:
    told: Told = []
    waits: list[float] = []

    def tell(error: TidemarkError, failures: int, seconds: float) -> None:
        told.append((error, failures))
        assert pause(failures) / 2 <= seconds <= 2 * pause(failures)

    answer = retried(step, attempts, tell, within=within, sleep=waits.append)
    assert len(waits) == len(told)
    return answer, told


def test_passing_failures_are_told_and_waited_out() -> None:
    assert run(failing(PASSING, PASSING), 3) == ("done", [(PASSING, 1), (PASSING, 2)])


@pytest.mark.parametrize(
    ("errors", "attempts", "raised"),
    [
        ((PASSING, PASSING), 2, PASSING),
        ((PASSING,), 1, PASSING),
        ((FINAL,), 5, FINAL),
        ((PASSING, FINAL), 5, FINAL),
    ],
)
def test_the_last_failure_is_raised(
    errors: tuple[Exception, ...], attempts: int, raised: Exception
) -> None:
    with pytest.raises(LakeError) as caught:
        run(failing(*errors), attempts)
    assert caught.value is raised


def test_what_is_no_error_for_the_operator_is_not_tried_again() -> None:
    with pytest.raises(ZeroDivisionError):
        run(failing(ZeroDivisionError()), 5)


def test_no_try_begins_when_it_is_late() -> None:
    with pytest.raises(LakeError):
        run(failing(PASSING), 5, within=0.0)


def test_pauses_grow_to_a_limit() -> None:
    longest = [max(pause(failures) for _ in range(200)) for failures in (1, 2, 3, 20)]
    assert longest == sorted(longest)
    assert longest[0] <= 0.5
    assert 15 <= longest[-1] <= 30
