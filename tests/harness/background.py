"""What goes on in threads while a test does something else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self


class Background:
    """Work in threads of its own, from the start of the block to its end.

    Args:
        work: What each thread does until ``_over`` is set.
    """

    def __init__(self, *work: Callable[[], object]) -> None:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=each) for each in work]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
