"""Several iterators at once: all their items come, and no thread stays."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tap_mysql.extraction.parallel import together


def test_jobs_work_together_and_all_items_arrive() -> None:
    items = list(together([3, 1, 2], 2, lambda n: range(n)))
    assert sorted(i for i in items if i[1] is not None) == [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0),
                                                            (2, 1)]  # fmt: skip
    assert sorted(n for n, item in items if item is None) == [0, 1, 2]


def test_an_error_is_raised_after_what_others_finished_and_no_thread_stays() -> None:
    def work(number: int) -> Any:
        yield number
        if number == 1:
            raise ValueError("one")

    items = together([0, 1, 2, 3], 1, work)
    assert [next(items) for _ in range(3)] == [(0, 0), (0, None), (1, 1)]
    with pytest.raises(ValueError, match="one"):
        next(items)
    assert not [t for t in threading.enumerate() if t.name.startswith("range-") and t.is_alive()]
