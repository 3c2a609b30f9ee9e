"""Python's collector, as the tests have it."""

from __future__ import annotations

import gc
import weakref


class Ring:
    """Refers to itself."""

    def __init__(self) -> None:
        self.ring = self


def test_what_a_test_makes_is_collected_and_what_was_there_before_is_spared() -> None:
    assert gc.isenabled()
    assert gc.get_freeze_count() > 50_000
    made = weakref.ref(Ring())
    gc.collect()
    assert made() is None
