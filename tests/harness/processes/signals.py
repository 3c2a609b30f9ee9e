"""Signals that come at a chosen moment of what the main thread does."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from types import FrameType
from typing import Any

#: Seconds after which a signal comes anyway, and until a program that hears none is given up.
_ANYWAY, _LIMIT = 1.0, 20.0
_OWN = (__file__, contextlib.__file__)


def moments() -> Iterator[AbstractContextManager[object]]:
    """Contexts, each of which raises SIGTERM a moment later than the one before.

    The first raises it before the first line of Python that is called within it, the next before
    the second, ... In the last one it comes from outside, when all lines are done or one waits.
    A program that goes on waiting after the signal gets a TimeoutError.
    """
    for at in count(1):
        reached = list[int]()
        yield _raised(at, reached)
        if not reached:
            return


@contextmanager
def _raised(at: int, reached: list[int]) -> Iterator[None]:
    """Raises SIGTERM before that line of Python, and notes if it was reached."""
    lines = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_filename in _OWN:
            return None
        lines += event == "line"
        if lines == at and not reached:
            reached.append(at)
            signal.raise_signal(signal.SIGTERM)
        return trace

    with _given_up(), _anyway(reached):
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            yield
        finally:
            sys.settrace(before)


@contextmanager
def _anyway(reached: list[int]) -> Iterator[None]:
    """Sends SIGTERM from outside a while later, unless it was raised before."""
    later = threading.Timer(_ANYWAY, signal.pthread_kill, (threading.get_ident(), signal.SIGTERM))
    later.start()
    try:
        yield
    finally:
        if reached:
            later.cancel()
        later.join()


@contextmanager
def _given_up() -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise TimeoutError("it has not heard the signal")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
