"""Handing a signal on to a child that is at work."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def handed_on(send: Callable[[int], object]) -> Iterator[list[int]]:
    """Hands SIGTERM and SIGINT on to a child; yields the list of those handed on.

    A handler that the caller has set for them is called as well.

    Args:
        send: Sends the child a signal.
    """
    handed: list[int] = []
    before: dict[int, Any] = {
        number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)
    }

    def hand_on(signum: int, frame: FrameType | None) -> None:
        handed.append(signum)
        send(signum)
        own = before[signum]
        # The caller may continue after the child. Python's own handler would abandon the child.
        if callable(own) and own is not signal.default_int_handler:
            own(signum, frame)

    try:
        for number in before:
            signal.signal(number, hand_on)
        yield handed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
